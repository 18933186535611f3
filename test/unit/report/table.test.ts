import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Column } from '../../../src/report/columns.ts';
import { displayWidth } from '../../../src/report/escape.ts';
import { table } from '../../../src/report/table.ts';

const column = (name: string, mayShrink = false, align: 'left' | 'right' = 'left'): Column => ({
  name,
  title: name.toUpperCase(),
  align,
  mayShrink,
  cell: (row) => String(row[name] ?? ''),
});
const layout = (columns: readonly Column[], width = Infinity) => ({ columns, fields: [], width, csvRaw: false });

test('table() aligns by the widest cell, numbers to the right', () => {
  const rows = [
    { name: 'curl', bytes: 5 },
    { name: 'systemd-resolved', bytes: 1234 },
  ];
  assert.equal(
    [...table(rows, layout([column('name'), column('bytes', false, 'right')]))].join(''),
    ['NAME              BYTES', 'curl                  5', 'systemd-resolved   1234', ''].join('\n'),
  );
});

test('table() aligns wide characters by the cells they take', () => {
  const rows = [
    { a: '日本', b: 'x' },
    { a: 'abcd', b: 'x' },
  ];
  const lines = [...table(rows, layout([column('a'), column('b')]))].join('').split('\n');
  assert.deepEqual(lines.slice(1, 3), ['日本  x', 'abcd  x']);
});

test('table() cuts only columns that may shrink, the widest first, and shows it', () => {
  const rows = [{ a: 'x'.repeat(30), b: 'y'.repeat(20), c: 'z'.repeat(10) }];
  const lines = [...table(rows, layout([column('a', true), column('b', true), column('c')], 44))].join('').split('\n');
  assert.equal(displayWidth(lines[1]!), 44);
  assert.equal(lines[1], `${'x'.repeat(14)}…  ${'y'.repeat(14)}…  ${'z'.repeat(10)}`);
});

test('table() never cuts the last column, nor one that may not shrink: a narrow terminal wraps the line', () => {
  const rows = [{ a: 'x'.repeat(30), b: '1234567890' }];
  const [, line = ''] = [...table(rows, layout([column('a', true), column('b')], 10))].join('').split('\n');
  assert.ok(line.endsWith('1234567890'));
});

test('table() cuts nothing when there is no terminal', () => {
  const rows = [{ a: 'x'.repeat(300), b: 'y' }];
  assert.ok([...table(rows, layout([column('a', true), column('b')]))].join('').includes('x'.repeat(300)));
});

test('table() streams after the rows that decided its widths', () => {
  let read = 0;
  function* rows() {
    for (; read < 1_000_000; read++) yield { a: read };
  }
  const lines = table(rows(), layout([column('a')]))[Symbol.iterator]();
  lines.next();
  assert.ok(read < 2000, `${read} rows were read before the first line`);
  assert.equal(lines.next().value, '0\n');
});

test('table() prints all rows, those after the sample too', () => {
  const rows = Array.from({ length: 2500 }, (_, a) => ({ a }));
  const lines = [...table(rows, layout([column('a')]))].join('').trim().split('\n');
  assert.deepEqual(
    lines.slice(1).map(Number),
    rows.map(({ a }) => a),
  );
});

test('table() leaves spare columns out before it cuts another one, from the right and only as many as it must', () => {
  const columns = [
    column('a', true),
    { ...column('b'), isSpare: true },
    { ...column('c'), isSpare: true },
    column('d'),
  ];
  const rows = [{ a: 'x'.repeat(20), b: 'y'.repeat(8), c: 'z'.repeat(10), d: 'w'.repeat(5) }];
  const titles = (width: number) => [...table(rows, layout(columns, width))][0]!.trim().split(/ +/).join('');
  assert.deepEqual([49, 48, 37, 36, 20].map(titles), ['ABCD', 'ABD', 'ABD', 'AD', 'AD']);
  const [, line] = [...table(rows, layout(columns, 27))];
  assert.equal(line, `${'x'.repeat(20)}  wwwww\n`);
});

test('table() leaves out columns that may go only where cutting the others is not enough', () => {
  const columns = [{ ...column('a'), mayGo: true }, column('b', true), column('c'), { ...column('d'), mayGo: true }];
  const rows = [{ a: 'x'.repeat(4), b: 'y'.repeat(30), c: 'z'.repeat(12), d: 'w'.repeat(4) }];
  const titles = (width: number) => [...table(rows, layout(columns, width))][0]!.trim().split(/ +/).join('');
  assert.deepEqual([56, 34, 33, 28, 27, 10].map(titles), ['ABCD', 'ABCD', 'ABC', 'ABC', 'BC', 'BC']);
});
