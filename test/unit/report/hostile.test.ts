import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Row } from '../../../src/report/columns.ts';
import { fieldColumn } from '../../../src/report/columns.ts';
import { displayWidth, escapeTerminal } from '../../../src/report/escape.ts';
import { FORMATS, reporters } from '../../../src/report/index.ts';
import { HOSTILE_TEXTS } from '../../support/hostile.ts';

/** What may reach a terminal: everything that moves, colours, hides or reorders text is outside of it. */
const SAFE_LINE = /^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]*$/u;

const rows: readonly Row[] = HOSTILE_TEXTS.map((comm, pid) => ({ pid, comm, last: pid % 2 === 0 ? null : 'end' }));
const fields = ['pid', 'comm', 'last'];
const layout = { columns: fields.map(fieldColumn), fields, width: Infinity, csvRaw: false };
const textOf = (format: keyof typeof reporters, more: Partial<typeof layout> = {}) =>
  [...reporters[format](rows, { ...layout, ...more })].join('');

test('table() prints one safe line a row, whatever the names are', () => {
  for (const width of [Infinity, 40, 10]) {
    const lines = textOf('table', { width }).split('\n');
    assert.equal(lines.length, rows.length + 2); // header, and nothing after the last newline
    for (const line of lines) assert.match(line, SAFE_LINE);
    assert.ok(lines.slice(2, -1).some((line) => line.endsWith('end')));
  }
});

test('table() shows what it escaped and keeps forged escapes apart from real ones', () => {
  const text = textOf('table');
  assert.ok(text.includes('\\u{1b}[2J\\u{1b}[31mred'));
  assert.ok(text.includes('\\\\u{1b}')); // text that only looks like it was doubled at intake
  assert.ok(text.includes('\\u{202e}gnp.exe'));
  assert.ok(text.includes('\\xff\\xfeA\\xc3('));
  assert.ok(text.includes('日本語のプロセス名'));
});

for (const format of ['json', 'ndjson'] as const) {
  test(`${format}() gives every name back, and only safe characters on the way`, () => {
    const text = textOf(format);
    for (const line of text.split('\n')) assert.match(line, SAFE_LINE);
    const parsed =
      format === 'json'
        ? JSON.parse(text)
        : text
            .trimEnd()
            .split('\n')
            .map((line) => JSON.parse(line));
    assert.deepEqual(parsed, rows);
  });
}

test('csv() gives every name back, with an apostrophe before what a spreadsheet would run', () => {
  const [header, ...records] = parseCsv(textOf('csv'));
  assert.deepEqual(header, fields);
  const expected = HOSTILE_TEXTS.map((text) => (/^[=+\-@\t\r]/.test(text) ? `'${text}` : text));
  assert.deepEqual(
    records.map((record) => record[1]),
    expected,
  );
  assert.ok(expected.includes(`'=HYPERLINK("http://example.net","click")`));
});

test('csv() with csvRaw gives every name back as it is', () => {
  const records = parseCsv(textOf('csv', { csvRaw: true })).slice(1);
  assert.deepEqual(
    records.map((record) => record[1]),
    [...HOSTILE_TEXTS],
  );
});

test('every format prints something sensible for no rows', () => {
  const empty = Object.fromEntries(FORMATS.map((format) => [format, [...reporters[format]([], layout)].join('')]));
  assert.deepEqual(empty, { table: '', json: '[]\n', ndjson: '', csv: 'pid,comm,last\r\n' });
});

test('escapeTerminal() never changes how wide harmless text is', () => {
  assert.equal(escapeTerminal('curl[12] -> [2001:db8::1]:443'), 'curl[12] -> [2001:db8::1]:443');
  assert.equal(displayWidth('日本'), 4);
  assert.equal(displayWidth('e\u0301'), 1);
});

/** RFC 4180, written from its grammar: fields end at a comma or CRLF, quotes are doubled inside quotes. */
function parseCsv(text: string): string[][] {
  const records: string[][] = [];
  let at = 0;
  while (at < text.length) {
    const record: string[] = [];
    for (;;) {
      let field = '';
      if (text[at] === '"') {
        for (at++; text[at] !== '"' || text[at + 1] === '"'; at++) {
          if (text[at] === '"') at++;
          field += text[at];
        }
        at++;
      } else while (text[at] !== ',' && !text.startsWith('\r\n', at)) field += text[at++];
      record.push(field);
      if (text[at] !== ',') break;
      at++;
    }
    assert.ok(text.startsWith('\r\n', at), `a record ends at ${at}`);
    at += 2;
    records.push(record);
  }
  return records;
}
