import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Reason } from '../../../src/core/attribution.ts';
import { FlowStore } from '../../../src/store/flow-store.ts';
import { OPTIONS, rowsOf, withDatabase, withFolder } from '../../support/database.ts';
import { brokenRules, rollupsOf, TRAFFIC_OF_DAYS, TRAFFIC_OF_FLOWS } from '../../support/rollups.ts';
import {
  COUNTERS,
  type EndLiteral,
  type FlowLiteral,
  INFO,
  NOON,
  processRow,
  SECOND,
  tick,
} from '../../support/ticks.ts';

const MINUTE = 60 * SECOND;
const TUPLE = 'tcp 10.0.0.1:40000 > 8.8.8.8:443';
const people = [1, 2].map((id) => processRow(id, { pid: id, exe: `/bin/${id}` }));
const PEOPLE = { programs: people.map(({ program }) => program), processes: people.map(({ row }) => row) };
const named = (process: number) =>
  ({ process, program: process, source: 'diag', match: 'five-tuple', holders: 1 }) as const;

/** A flow by its totals at several moments. */
const grows = (serial: number, ...moments: readonly (readonly [lastUs: number, packets: number])[]): FlowLiteral[] =>
  moments.map(([lastUs, packets], i) => ({
    ...{ serial, tuple: TUPLE, isNew: i === 0, lastUs },
    orig: [packets, packets * 100, packets * 90],
    reply: [packets, packets * 10, packets * 9],
  }));

test('write() spreads a flow that lives for hours over the minutes in which its packets passed', () => {
  const [one, two, three] = grows(1, [NOON + 10 * SECOND, 1], [NOON + 50 * SECOND, 3], [NOON + 61 * MINUTE, 10]);
  const ticks = [tick({ ...PEOPLE, flows: [one!] }), tick({ flows: [two!] }), tick({ flows: [three!] })];
  const end = tick({ ends: [{ serial: 1, side: 'src', ...named(1) }] });
  withDatabase([...ticks, end], (path) => {
    const of = (table: string) =>
      rowsOf(path, `SELECT bucket_us, program, service_port, flows, tx_packets, rx_bytes, tx_ip_bytes FROM ${table}`);
    const row = { program: 1, service_port: 443 };
    assert.deepEqual(of('traffic_minute'), [
      { bucket_us: NOON, ...row, flows: 1, tx_packets: 3, rx_bytes: 30, tx_ip_bytes: 270 },
      { bucket_us: NOON + 61 * MINUTE, ...row, flows: 0, tx_packets: 7, rx_bytes: 70, tx_ip_bytes: 630 },
    ]);
    assert.deepEqual(
      of('traffic_hour').map((found) => [found.bucket_us, found.tx_packets]),
      [
        [NOON, 3],
        [NOON + 60 * MINUTE, 7],
      ],
    );
    assert.deepEqual(of('traffic_day')[0]?.tx_packets, 10);
    assert.deepEqual(brokenRules(path), []);
    assert.deepEqual(rowsOf(path, 'SELECT * FROM flow_checkpoint'), []);
  });
});

test('write() of the same tick twice counts once', () => {
  const one = tick({
    ...PEOPLE,
    flows: grows(1, [NOON, 1], [NOON + 2 * MINUTE, 5]),
    ends: [{ serial: 1, side: 'src', ...named(1) }],
    counters: { ...COUNTERS, notIpPackets: 4, notIpBytes: 400, kernelDrops: 2 },
  });
  withDatabase([one], (once) => {
    withDatabase([one, one], (twice) => assert.deepEqual(rollupsOf(twice), rollupsOf(once)));
    assert.deepEqual(rowsOf(once, 'SELECT kind, packets, bytes FROM captured_day'), [
      { kind: 0, packets: 10, bytes: 550 },
      { kind: 9, packets: 4, bytes: 400 },
      { kind: 130, packets: 2, bytes: 0 },
    ]);
  });
});

/** Ends in the order in which they become known, each `delay` ticks after the flow began. */
const end = fc.oneof(
  fc.constantFrom(1, 2).map((id) => named(id)),
  fc.record({
    reason: fc.constantFrom<Reason>('no-socket', 'not-local', 'forwarded', 'ambiguous'),
    program: fc.constantFrom(0, 1),
  }),
);
const flow = fc.record({
  begins: fc.nat(3),
  steps: fc.array(fc.record({ gapS: fc.nat(100), packets: fc.nat(5) }), { minLength: 1, maxLength: 6 }),
  src: fc.array(end, { minLength: 1, maxLength: 3 }),
  dst: end,
  client: fc.constantFrom('10.0.0.1', '127.0.0.1'),
  port: fc.constantFrom(53, 443, 50_000),
});

test('naming late, early and anew leave identical rollups, which add up to the flows', () => {
  fc.assert(
    fc.property(fc.array(flow, { minLength: 1, maxLength: 8 }), fc.nat(7), (literals, delay) => {
      const rows = literals.map(({ begins, steps, client, port }, i): FlowLiteral[] => {
        const firstUs = NOON + begins * 40 * SECOND;
        let [lastUs, packets] = [firstUs, 1];
        return steps.map((step, k) => {
          lastUs += k === 0 ? 0 : step.gapS * SECOND;
          packets += step.packets;
          const tuple = `tcp ${client}:${40_000 + i} > 10.9.9.9:${port}`;
          return { serial: i + 1, tuple, firstUs, lastUs, isNew: k === 0, orig: [packets, packets, packets] };
        });
      });
      const most = Math.max(...rows.map((of) => of.length));
      const last = literals.flatMap(({ src, dst }, i): EndLiteral[] => [
        { serial: i + 1, side: 'src', ...src.at(-1)! },
        { serial: i + 1, side: 'dst', ...dst },
      ]);
      const flowsAt = (t: number) => rows.flatMap((of) => (of[t] === undefined ? [] : [of[t]]));
      const early = Array.from({ length: most }, (_, t) =>
        tick({ ...PEOPLE, flows: flowsAt(t), ends: t === 0 ? last : [] }),
      );
      const late = Array.from({ length: most + delay }, (_, t) => {
        const ends = literals.flatMap(({ src }, i): EndLiteral[] =>
          src[t] === undefined ? [] : [{ serial: i + 1, side: 'src', ...src[t] }],
        );
        return tick({ ...PEOPLE, flows: flowsAt(t), ends: t === most + delay - 1 ? [...ends, ...last] : ends });
      });
      withDatabase(early, (one) => {
        assert.deepEqual(brokenRules(one), []);
        assert.deepEqual(rowsOf(one, TRAFFIC_OF_DAYS), rowsOf(one, TRAFFIC_OF_FLOWS));
        withDatabase(late, (other) => assert.deepEqual(rollupsOf(other), rollupsOf(one)));
      });
    }),
    { numRuns: 12 },
  );
});

test('a minute has at most 10,000 services; the rest is counted as `other`, and follows a late name too', () => {
  const flows = Array.from({ length: 12_000 }, (_, i) => ({
    serial: i + 1,
    tuple: `udp 10.0.0.1:40000 > 11.0.${i >> 8}.${i & 255}:${i & 1 ? 53 : 443}`,
  }));
  const ends = flows.map(({ serial }): EndLiteral => ({ serial, side: 'src', ...named(1) }));
  const unknown = ends.map(({ serial }): EndLiteral => ({ serial, side: 'src', reason: 'no-socket' }));
  const count = 'SELECT count(*) AS rows, sum(flows) AS flows FROM traffic_minute WHERE remote_address';
  const early = tick({ ...PEOPLE, flows, ends });
  const late = [tick({ ...PEOPLE, flows, ends: unknown }), tick({ ends })];
  withDatabase([early], (one) => {
    assert.deepEqual(rowsOf(one, `${count} <> 0`), [{ rows: 10_000, flows: 10_000 }]);
    assert.deepEqual(rowsOf(one, `${count} = 0`), [{ rows: 1, flows: 2000 }]);
    assert.deepEqual(brokenRules(one), []);
    withDatabase(late, (other) => assert.deepEqual(rollupsOf(other), rollupsOf(one)));
  });
});

test('a minute is full at 10,000 services, however often each of them is counted', () => {
  const of = (from: number, to: number, base: number) => {
    const flows = Array.from({ length: to - from }, (_, i) => ({
      serial: base + from + i,
      tuple: `udp 10.0.0.1:40000 > 11.0.${(from + i) >> 8}.${(from + i) & 255}:53`,
    }));
    return tick({ ...PEOPLE, flows, ends: flows.map(({ serial }) => ({ serial, side: 'src', ...named(1) })) });
  };
  const ticks = [
    of(0, 4000, 1),
    of(0, 4000, 4001),
    of(0, 4000, 8001),
    of(4000, 9500, 12_001),
    of(9000, 11_000, 20_001),
  ];
  withDatabase(ticks, (path) => {
    const count = 'SELECT count(*) AS rows, sum(flows) AS flows FROM traffic_minute WHERE remote_address';
    assert.deepEqual(rowsOf(path, `${count} <> 0`), [{ rows: 10_000, flows: 18_500 }]);
    assert.deepEqual(rowsOf(path, `${count} = 0`), [{ rows: 1, flows: 1000 }]);
    assert.deepEqual(brokenRules(path), []);
  });
});

test('counters go on after a recorder was killed, and nothing of a transaction that failed is counted', () => {
  withFolder((folder) => {
    const path = join(folder, 'killed.db');
    const killed = FlowStore.open(path, OPTIONS);
    killed.beginCapture(INFO);
    killed.write(tick({ ...PEOPLE, flows: grows(1, [NOON, 1]) }));
    killed.write(tick({ flows: grows(1, [NOON, 1], [NOON + MINUTE, 4]).slice(1) }));
    const broken = {
      ...tick({ flows: grows(2, [NOON, 50]) }),
      get interfaces(): never {
        throw new Error('half way');
      },
    };
    assert.throws(() => killed.write(broken), /half way/);
    const self = { ...OPTIONS.self, pid: 5000 };
    const next = FlowStore.open(path, { ...OPTIONS, self });
    next.beginCapture(INFO);
    next.write(
      tick({ ...PEOPLE, flows: grows(1, [NOON + 9 * MINUTE, 2]), ends: [{ serial: 1, side: 'src', ...named(2) }] }),
    );
    next.endCapture(NOON + 9 * MINUTE);
    next.close();
    assert.deepEqual(rowsOf(path, 'SELECT kind, flows, packets FROM captured_day'), [
      { kind: 0, flows: 1, packets: 4 },
      { kind: 64, flows: 1, packets: 8 },
    ]);
    assert.deepEqual(rowsOf(path, 'SELECT count(*) AS left_over FROM flow_checkpoint'), [{ left_over: 0 }]);
    assert.deepEqual(brokenRules(path), []);
  });
});

test('a flow of more than 64 minutes gives a late name what it counted in the last of them', () => {
  const ticks = Array.from({ length: 100 }, (_, m) =>
    tick({ ...PEOPLE, flows: [{ ...grows(1, [NOON + m * MINUTE, m + 1])[0]!, isNew: m === 0 }] }),
  );
  withDatabase([...ticks, tick({ ends: [{ serial: 1, side: 'src', ...named(1) }] })], (path) => {
    const [row] = rowsOf(path, 'SELECT flows, tx_packets, min(bucket_us) AS from_us FROM traffic_day');
    assert.ok(Number(row?.tx_packets) >= 63 && Number(row?.tx_packets) <= 64, `${row?.tx_packets}`);
    assert.deepEqual(rowsOf(path, 'SELECT sum(packets) AS packets, sum(flows) AS flows FROM captured_day'), [
      { packets: 200, flows: 1 },
    ]);
  });
});
