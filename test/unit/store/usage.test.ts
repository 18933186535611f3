import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { REASONS, type Reason } from '../../../src/core/attribution.ts';
import {
  compileCaptured,
  compileConservation,
  compileInterfaces,
  compileUsage,
} from '../../../src/store/compile-usage.ts';
import type { FlowFilter } from '../../../src/store/conditions.ts';
import { Reader, type Row } from '../../../src/store/reader.ts';
import { GROUPS, type GroupBy } from '../../../src/store/usage-groups.ts';
import { END_OF_TIME, segmentsOf } from '../../../src/store/usage-plan.ts';
import { withDatabase } from '../../support/database.ts';
import { COUNTERS, type EndLiteral, NOON, processRow, SECOND, tick } from '../../support/ticks.ts';

const people = [
  processRow(1, { pid: 1, comm: 'a', exe: '/a', uid: 1, unit: 'a.service' }),
  processRow(2, { pid: 2, comm: 'b', exe: '/b', uid: 1 }),
];
const PEOPLE = { programs: people.map(({ program }) => program), processes: people.map(({ row }) => row) };
const named = (process: number) =>
  ({ process, program: process, source: 'diag', match: 'five-tuple', holders: 1 }) as const;

function ask(path: string, filter: FlowFilter, groupBy: GroupBy) {
  const reader = Reader.open(path);
  const range = { fromUs: filter.sinceUs ?? 0, toUs: filter.untilUs ?? END_OF_TIME };
  const segments = segmentsOf(range, { minute: 0, hour: 0, day: 0 });
  const order = { by: 'total', direction: 'desc' } as const;
  const usage = reader.all(compileUsage({ filter, groupBy, segments, order, limit: null }));
  const parts = reader.all(compileConservation(filter));
  const captured = reader.all(compileCaptured(segments));
  reader.close();
  return { usage, parts, captured };
}

const sum = (rows: readonly Row[], field: string) => rows.reduce((total, row) => total + Number(row[field]), 0);

test('compileUsage() counts a loopback flow at both of its ends, as each sees it', () => {
  const one = tick({
    ...PEOPLE,
    flows: [{ serial: 1, tuple: 'tcp 127.0.0.1:1 > 127.0.0.1:2', orig: [1, 1, 100], reply: [2, 2, 900] }],
    ends: [
      { serial: 1, side: 'src', ...named(1) },
      { serial: 1, side: 'dst', ...named(2) },
    ],
  });
  withDatabase([one], (path) => {
    const { usage, parts } = ask(path, {}, 'pid');
    const seen = usage.map(({ comm, tx_ip_bytes, rx_ip_bytes, ip_bytes, share }) => [
      comm,
      tx_ip_bytes,
      rx_ip_bytes,
      ip_bytes,
      share,
    ]);
    assert.deepEqual(seen, [
      ['a', 100, 900, 1000, 0.5],
      ['b', 900, 100, 1000, 0.5],
    ]);
    assert.deepEqual(parts, [{ attributed: 1, reason: null, flows: 1, packets: 3, ip_bytes: 1000, partly: 0 }]);
  });
});

test('compileUsage() lists ends without a process by reason, and what is known of them', () => {
  const one = tick({
    ...PEOPLE,
    flows: [1, 2, 3, 4].map((serial) => ({ serial, tuple: `tcp 10.0.0.1:${serial} > 8.8.8.8:53` })),
    ends: [
      { serial: 1, side: 'src', ...named(1) },
      { serial: 2, side: 'src', reason: 'no-socket' },
      { serial: 3, side: 'src', reason: 'no-socket' },
      { serial: 4, side: 'src', reason: 'ambiguous', program: 2, source: 'diag', match: 'bound', holders: 2 },
      ...[1, 2, 3, 4].map((serial): EndLiteral => ({ serial, side: 'dst', reason: 'not-local' })),
    ],
  });
  withDatabase([one], (path) => {
    const of = (groupBy: GroupBy, ...fields: string[]) =>
      ask(path, {}, groupBy)
        .usage.map((row) => [...fields, 'reason', 'flows'].map((field) => row[field]))
        .sort();
    assert.deepEqual(
      of('pid', 'comm', 'exe'),
      [
        [null, '/b', 'ambiguous', 1],
        [null, null, 'no-socket', 2],
        ['a', '/a', null, 1],
      ].sort(),
    );
    assert.deepEqual(
      of('process', 'exe'),
      [
        ['/a', null, 1],
        ['/b', null, 1],
        [null, 'no-socket', 2],
      ].sort(),
    );
    assert.deepEqual(
      of('user', 'uid'),
      [
        [1, null, 2],
        [null, 'no-socket', 2],
      ].sort(),
    );
    assert.deepEqual(
      of('unit', 'unit'),
      [
        ['a.service', null, 1],
        [null, 'ambiguous', 1],
        [null, 'no-socket', 2],
      ].sort(),
    );
    assert.deepEqual(of('port', 'protocol', 'port'), [['tcp', 53, null, 4]]);
    assert.deepEqual(of('remote', 'remote_addr'), [['8.8.8.8', null, 4]]);
    assert.deepEqual(of('protocol', 'protocol'), [['tcp', null, 4]]);
  });
});

test('compileConservation() takes the reason of the end that is here, and counts flows that nobody looked up', () => {
  const one = tick({
    flows: [1, 2, 3, 4].map((serial) => ({ serial, tuple: `tcp 10.0.0.1:${serial} > 8.8.8.8:53` })),
    ends: [
      { serial: 4, side: 'src', reason: 'not-local' },
      { serial: 4, side: 'dst', reason: 'no-socket' },
      { serial: 1, side: 'src', reason: 'not-local' },
      { serial: 1, side: 'dst', reason: 'kernel' },
      { serial: 2, side: 'src', reason: 'forwarded' },
      { serial: 2, side: 'dst', reason: 'forwarded' },
    ],
  });
  withDatabase([one], (path) => {
    const parts = ask(path, {}, 'process').parts.map(({ reason, flows }) => [reason, flows]);
    assert.deepEqual(
      parts.sort(),
      [
        ['forwarded', 1],
        ['no-socket', 1],
        ['kernel', 1],
        [null, 1],
      ].sort(),
    );
  });
});

test('captured = attributed + unattributed by reason, in flows, packets and bytes, for any ends', () => {
  const reason = fc.constantFrom<Reason>(...(REASONS.filter((token) => token !== null) as Reason[]));
  const end = fc.oneof(
    fc.constant(undefined),
    fc.constantFrom(1, 2).map((id) => named(id)),
    fc.record({ reason, program: fc.constantFrom(0, 1, 2) }),
  );
  const flow = fc.record({ src: end, dst: end, orig: fc.nat(1e9), reply: fc.nat(1e9), last: fc.nat(100) });
  fc.assert(
    fc.property(fc.array(flow, { maxLength: 12 }), (literals) => {
      const flows = literals.map(({ orig, reply, last }, i) => ({
        serial: i + 1,
        tuple: `tcp 10.0.0.1:${i} > 10.0.0.2:${i}`,
        lastUs: NOON + last,
        orig: [2, orig, orig] as const,
        reply: [1, reply, reply] as const,
      }));
      const ends = literals.flatMap(({ src, dst }, i) => [
        ...(src === undefined ? [] : [{ serial: i + 1, side: 'src' as const, ...src }]),
        ...(dst === undefined ? [] : [{ serial: i + 1, side: 'dst' as const, ...dst }]),
      ]);
      withDatabase([tick({ ...PEOPLE, flows, ends })], (path) => {
        const { parts } = ask(path, {}, 'process');
        assert.equal(sum(parts, 'flows'), literals.length);
        assert.equal(sum(parts, 'packets'), literals.length * 3);
        assert.equal(
          sum(parts, 'ip_bytes'),
          literals.reduce((total, { orig, reply }) => total + orig + reply, 0),
        );
        const attributed = literals.filter(({ src, dst }) =>
          [src, dst].some((one) => one !== undefined && 'process' in one),
        );
        assert.equal(
          sum(
            parts.filter((part) => part.attributed === 1),
            'flows',
          ),
          attributed.length,
        );
        // Every grouping divides the same local ends, so all have the same sum.
        const isHere = (one: (typeof literals)[number]['src']) =>
          one !== undefined && ('process' in one || (one.reason !== 'not-local' && one.reason !== 'forwarded'));
        const expected = literals.reduce(
          (total, { src, dst, orig, reply }) => total + [src, dst].filter(isHere).length * (orig + reply),
          0,
        );
        for (const groupBy of GROUPS) assert.equal(sum(ask(path, {}, groupBy).usage, 'ip_bytes'), expected, groupBy);
      });
    }),
    { numRuns: 6 },
  );
});

test('a flow partly inside the range is counted whole, and said to be', () => {
  const one = tick({
    flows: [
      { serial: 1, tuple: 'tcp 10.0.0.1:1 > 8.8.8.8:53', lastUs: NOON + 50 * SECOND, orig: [1, 1, 777] },
      { serial: 2, tuple: 'tcp 10.0.0.1:2 > 8.8.8.8:53', firstUs: NOON + 20 * SECOND, orig: [1, 1, 1] },
      { serial: 3, tuple: 'tcp 10.0.0.1:3 > 8.8.8.8:53', firstUs: NOON + 60 * SECOND },
    ],
  });
  withDatabase([one], (path) => {
    const { parts } = ask(path, { sinceUs: NOON + 10 * SECOND, untilUs: NOON + 30 * SECOND }, 'process');
    assert.deepEqual([sum(parts, 'flows'), sum(parts, 'ip_bytes'), sum(parts, 'partly')], [2, 778, 1]);
  });
});

test('compileCaptured() adds what passed outside of flows in the range, and keeps beside what is in no sum', () => {
  const counters = { ...COUNTERS, notIpPackets: 3, badPackets: 2, duplicatePackets: 1, kernelDrops: 9 };
  withDatabase([tick({ counters, flows: [{ serial: 1, tuple: 'tcp 10.0.0.1:1 > 8.8.8.8:53' }] })], (path) => {
    const kinds = (filter: FlowFilter) => ask(path, filter, 'process').captured.map((row) => [row.kind, row.packets]);
    assert.deepEqual(kinds({}), [
      [64, 1],
      [9, 3],
      [128, 1],
      [129, 2],
      [130, 9],
    ]);
    assert.deepEqual(kinds({ untilUs: NOON }), []);
    assert.deepEqual(kinds({ sinceUs: NOON + 60 * SECOND }), []);
  });
});

test('compileUsage() answers the same from counters of all levels and, where a process is asked for, from flows', () => {
  const flows = [0, 30, 59, 61, 3600, 90_000].map((s, i) => ({
    ...{ serial: i + 1, tuple: `tcp 10.0.0.1:${40_000 + i} > 8.8.8.8:53`, firstUs: NOON + s * SECOND },
    orig: [1, 10 ** i, 10 ** i] as const,
  }));
  const ends = flows.map(({ serial }): EndLiteral => ({ serial, side: 'src', ...named(1) }));
  withDatabase([tick({ ...PEOPLE, flows, ends })], (path) => {
    const sumOf = (filter: FlowFilter) => sum(ask(path, filter, 'exe').usage, 'ip_bytes');
    const ranges: [FlowFilter, number][] = [
      [{}, 111_111],
      [{ sinceUs: NOON + 60 * SECOND }, 111_000],
      [{ sinceUs: NOON, untilUs: NOON + 60 * SECOND }, 111],
      [{ untilUs: NOON + 3600 * SECOND }, 1111],
      [{ sinceUs: NOON + 3600 * SECOND }, 110_000],
    ];
    for (const [filter, bytes] of ranges) {
      assert.equal(sumOf(filter), bytes);
      assert.equal(sumOf({ ...filter, port: 53, protocol: 6, unit: 'a' }), bytes);
      assert.equal(sumOf({ ...filter, process: 'a' }), bytes);
      assert.equal(sumOf({ ...filter, port: 54 }), 0);
    }
  });
});

test('compileInterfaces() adds up what the kernel counted, of recordings that lie in the range as a whole', () => {
  const lo = { netns: 0, ifindex: 1, name: 'lo', packets: 4, bytes: 40 };
  const interfaces = [
    { ...lo, kernelBytes: 50 },
    { ...lo, ifindex: 2, name: 'eth0', kernelBytes: 900 },
  ];
  const foreign = { ...lo, ifindex: 3, name: 'veth1', kernelBytes: null };
  withDatabase([tick({ interfaces: [...interfaces, foreign] }), tick({ interfaces: [lo] })], (path) => {
    const reader = Reader.open(path);
    const ask = (fromUs: number, toUs: number, limit = 9) => reader.all(compileInterfaces({ fromUs, toUs }, limit));
    assert.deepEqual(ask(0, END_OF_TIME), [
      { name: 'eth0', kernel_bytes: 900, bytes: 40 },
      { name: 'lo', kernel_bytes: 50, bytes: 40 },
    ]);
    assert.equal(ask(0, END_OF_TIME, 1).length, 1);
    assert.deepEqual(ask(NOON + 1, END_OF_TIME), [], 'it began before');
    assert.deepEqual(ask(0, NOON + 1), [], 'it ended later');
    reader.close();
  });
});
