import assert from 'node:assert/strict';
import { test } from 'node:test';
import { escapeTerminal } from '../../../../src/report/escape.ts';
import { reportPage } from '../../../../src/report/html/page.ts';
import { utcZone } from '../../../../src/report/local-time.ts';
import { HOSTILE_TEXTS } from '../../../support/hostile.ts';
import { type ParsedPage, parsePage } from '../../../support/parse-page.ts';
import { type Asked, reportOf } from '../../../support/reports.ts';
import { COUNTERS, NOON, processRow, SECOND, tick } from '../../../support/ticks.ts';

/** Elements of a page, and the attributes that each may have. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  ...Object.fromEntries(
    ['head', 'title', 'style', 'body', 'header', 'main', 'footer', 'h1', 'h3', 'dt', 'dd', 'div', 'table', 'thead'].map(
      (name) => [name, ['class']],
    ),
  ),
  ...Object.fromEntries(
    ['tbody', 'tr', 'td', 'p', 'dl', 'small', 'code', 'strong', 'ul', 'ol', 'li', 'g', 'desc'].map((name) => [
      name,
      ['class'],
    ]),
  ),
  html: ['lang'],
  meta: ['charset', 'http-equiv', 'content', 'name'],
  section: ['aria-labelledby'],
  h2: ['id'],
  th: ['scope', 'class'],
  div: ['class', 'aria-hidden'],
  span: ['class', 'style'],
  svg: ['class', 'viewbox', 'preserveaspectratio', 'role', 'aria-label', 'aria-hidden'],
  rect: ['x', 'y', 'width', 'height', 'class'],
  line: ['x1', 'x2', 'y1', 'y2'],
};

const pageOf = (ticks: Parameters<typeof reportOf>[0], asked: Asked = {}): string =>
  reportPage(reportOf(ticks, asked), { zone: utcZone, naming: { hosts: true, service: () => undefined } });

/** @returns the page, of which nothing is left to a browser's mercy */
function checked(page: string): ParsedPage {
  const parsed = parsePage(page);
  for (const { name, attributes } of parsed.elements) {
    assert.ok(ALLOWED[name] !== undefined, `<${name}>`);
    for (const [attribute, value] of Object.entries(attributes)) {
      assert.ok(ALLOWED[name].includes(attribute), `<${name} ${attribute}>`);
      if (attribute === 'style') assert.match(value, /^left:[\d.]+%$/);
      if (attribute === 'class') assert.match(value, /^[a-z0-9 -]*$/);
    }
  }
  assert.ok(!/[^\x20-\x7e\n]/u.test(page.replace(/[\p{L}\p{M}\p{N}\p{S}\p{P}\u2009]/gu, '')), 'hidden characters');
  return parsed;
}

const NASTY = [
  '<script>alert(1)</script>',
  '"><img src=x onerror=alert(1)>',
  "'onmouseover='x",
  ']]>',
  '</style><script>',
  '</title>',
  '<!--',
  '&lt;b&gt;',
  'javascript:alert(1)',
  ...HOSTILE_TEXTS.filter((text) => text.length < 300 && text.trim() !== ''),
];

/** Every text that a process or a packet chooses is a nasty one, over six minutes or in one moment. */
function nastyTicks(minutes: number) {
  const people = NASTY.map((text, i) =>
    processRow(i + 1, {
      ...{ pid: i + 10, comm: text, exe: `/tmp/${text}`, argv: [text, text], uid: i },
      ...{ unit: text, container: i % 2 === 0 ? text : null },
    }),
  );
  const flows = NASTY.map((_, i) => ({
    serial: i + 1,
    tuple: `tcp 10.0.0.1:${1000 + i} > 10.0.1.${i}:443`,
    firstUs: NOON + (i % minutes) * 60 * SECOND,
    orig: [1, 100, 60] as const,
  }));
  return [
    tick({
      programs: people.map(({ program }) => program),
      processes: people.map(({ row }) => row),
      users: NASTY.map((name, uid) => ({ uid, name })),
      interfaces: NASTY.map((name, i) => ({ netns: 0, ifindex: i + 1, name, packets: 1, bytes: 100 })),
      flows,
      ends: flows.flatMap(({ serial }, i) => [
        { serial, side: 'src', process: i + 1, program: i + 1, source: 'bpf', match: 'cookie', holders: 1 } as const,
        { serial, side: 'dst', reason: 'not-local' } as const,
      ]),
      names: NASTY.map((text, i) => ({ id: i + 1, address: `10.0.1.${i}`, text, source: 'sni', flow: i + 1 }) as const),
      counters: { ...COUNTERS, packets: NASTY.length, kernelDrops: 3, badPackets: 2 },
      atUs: NOON,
    }),
  ];
}

for (const minutes of [1, 6])
  test(`reportPage() of hostile names over ${minutes} min has only elements of its own, and shows every name`, () => {
    const inputs = NASTY.map((text) => ({
      use: 'input' as const,
      path: `/tmp/${text}`,
      bytes: 1,
      sha256: '00',
      damage: text,
    }));
    for (const asked of [
      { most: 100, command: NASTY.join(' ') },
      { most: 100, inputs },
    ]) {
      const { text } = checked(pageOf(nastyTicks(minutes), asked));
      for (const name of NASTY) {
        assert.ok(text.includes(`${escapeTerminal(name)}[`), `a process ${name}`);
        assert.ok(text.includes(`/tmp/${escapeTerminal(name)}`), `an executable ${name}`);
      }
    }
  });

test('reportPage() has no script, no link and a policy that forbids every request', () => {
  const { elements } = checked(pageOf(nastyTicks(6)));
  const policy = elements.find(({ attributes }) => attributes['http-equiv'] === 'Content-Security-Policy');
  assert.match(policy?.attributes.content ?? '', /^default-src 'none'; style-src 'unsafe-inline';/);
  assert.ok(!elements.some(({ name }) => ['script', 'a', 'img', 'link', 'iframe', 'object', 'form'].includes(name)));
});

test('reportPage() heads every table, and tells pictures in words', () => {
  const { elements } = checked(pageOf(nastyTicks(6)));
  const heads = elements.filter(({ name }) => name === 'th').map(({ attributes }) => attributes.scope);
  assert.deepEqual([...new Set(heads)].sort(), ['col', 'row']);
  for (const { name, attributes } of elements)
    if (name === 'svg') assert.ok(attributes['aria-hidden'] === 'true' || attributes['aria-label'] !== undefined);
});

test('reportPage() of nothing says so', () => {
  const { text } = checked(pageOf([]));
  assert.match(text, /Nothing was captured\./);
});

test('reportPage() stays small, however long the texts and the lists are', () => {
  const long = '<'.repeat(4096);
  const people = Array.from({ length: 200 }, (_, i) =>
    processRow(i + 1, { pid: i + 10, comm: long, exe: long + i, argv: [long], uid: i, unit: long, container: long }),
  );
  const flows = people.map((_, i) => ({ serial: i + 1, tuple: `tcp 10.0.0.1:${1000 + i} > 10.0.1.${i}:443` }));
  const page = pageOf([
    tick({
      programs: people.map(({ program }) => program),
      processes: people.map(({ row }) => row),
      flows,
      ends: flows.map(
        ({ serial }, i) =>
          ({ serial, side: 'src', process: i + 1, program: i + 1, source: 'bpf', match: 'cookie' }) as const,
      ),
      names: people.map(
        (_, i) => ({ id: i + 1, address: `10.0.1.${i}`, text: long, source: 'sni', flow: i + 1 }) as const,
      ),
    }),
  ]);
  checked(page);
  assert.ok(page.length < 1_000_000, `${page.length} characters`);
});
