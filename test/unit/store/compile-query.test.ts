/** Which flows come first, and through which index: what makes the answer of a large database a matter of milliseconds. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileFlows, FLOW_SORTS, type FlowSort } from '../../../src/store/compile-query.ts';
import type { FlowFilter } from '../../../src/store/conditions.ts';
import { withRarity } from '../../../src/store/find-tuple.ts';
import { Reader } from '../../../src/store/reader.ts';
import { withDatabase } from '../../support/database.ts';
import { NOON, processRow, SECOND, tick } from '../../support/ticks.ts';

const SERIALS = [1, 2, 3, 4, 5];
const { row, program } = processRow(1, { pid: 7, comm: 'self', uid: 33 });
const self = { process: 1, program: 1, source: 'diag', match: 'five-tuple', holders: 1 } as const;

/** Flows of one process, most of them with itself, and a ping whose id is the port of a flow. */
const TICK = tick({
  processes: [row],
  programs: [program],
  flows: [
    ...SERIALS.map((serial) => ({
      serial,
      tuple: `tcp 127.0.0.1:${40_000 + serial} > 127.0.0.1:${80 + (serial % 2)}`,
      firstUs: NOON + ((serial * 3) % 5) * SECOND,
      lastUs: NOON + 10 * SECOND + ((serial * 2) % 5) * SECOND,
      orig: [serial % 3, 100 * serial, 90 * ((serial * 4) % 5)] as const,
    })),
    { serial: 6, tuple: 'icmp 10.0.0.5:80 > 10.9.9.9' },
  ],
  ends: SERIALS.flatMap((serial) => [
    { serial, side: 'src' as const, ...self },
    { serial, side: 'dst' as const, ...(serial === 2 ? { reason: 'no-socket' as const } : self) },
  ]),
});

function withReader(work: (reader: Reader) => void): void {
  withDatabase([TICK], (path) => {
    const reader = Reader.open(path);
    work(reader);
    reader.close();
  });
}

/** Every order that flows can be asked in. */
const ORDERS = (Object.keys(FLOW_SORTS) as FlowSort[]).flatMap((by) =>
  (['asc', 'desc'] as const).map((direction) => ({ by, direction })),
);

/** Steps of the plan that are about flows; two of them pick, one is the record. */
function stepsOf(reader: Reader, filter: FlowFilter): readonly string[] {
  const { sql, params } = compileFlows(filter, { by: 'first', direction: 'desc' }, 100);
  const plan = reader.all({ sql: `EXPLAIN QUERY PLAN ${sql}`, params });
  return plan.map(({ detail }) => String(detail)).filter((step) => / f( |$)/.test(step));
}

test('compileFlows() lists a flow between two ends of one process once, in every order, and the first of all', () => {
  withReader((reader) => {
    for (const order of ORDERS) {
      const idsOf = (filter: FlowFilter, limit: number | null) =>
        reader.all(compileFlows(filter, order, limit)).map(({ flow_id }) => flow_id);
      const all = idsOf({ protocol: 6 }, null);
      for (const filter of [{ pid: 7 }, { process: 'self' }]) {
        assert.deepEqual(idsOf(filter, null), all, JSON.stringify(order));
        assert.deepEqual(idsOf(filter, 2), all.slice(0, 2), JSON.stringify(order));
      }
    }
  });
});

test('compileFlows() finds the latest flows of a process in the indexes of processes alone', () => {
  withReader((reader) => {
    assert.deepEqual(stepsOf(reader, { pid: 7 }), [
      'SEARCH f USING COVERING INDEX flow_src_process (src_process=?)',
      'SEARCH f USING COVERING INDEX flow_dst_process (dst_process=?)',
      'SEARCH f USING INTEGER PRIMARY KEY (rowid=?)',
    ]);
  });
});

test('flows of a port that few have come through its index, and are those of the way through all', () => {
  withReader((reader) => {
    const filters: readonly FlowFilter[] = [
      { port: 80 },
      { port: 81, user: '33' },
      { port: 80, protocol: 17 },
      { port: 9 },
    ];
    for (const order of ORDERS) {
      for (const filter of filters) {
        const planned = withRarity(reader, filter);
        assert.deepEqual(planned, { ...filter, portIsRare: true });
        assert.deepEqual(
          reader.all(compileFlows(planned, order, 2)),
          reader.all(compileFlows(filter, order, 2)),
          JSON.stringify({ ...order, ...filter }),
        );
      }
    }
    assert.deepEqual(stepsOf(reader, { port: 9, portIsRare: true }), [
      'SEARCH f USING INDEX flow_src_end (src_address=? AND src_port=?)',
      'SEARCH f USING INDEX flow_dst_end (dst_address=? AND dst_port=?)',
      'SEARCH f USING INTEGER PRIMARY KEY (rowid=?)',
    ]);
    const narrow = { port: 80, pid: 7 };
    assert.equal(withRarity(reader, narrow), narrow, 'the other filter leads to fewer flows');
  });
});
