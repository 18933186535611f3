import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileEndCount, compileSockets, compileTuple, type StoredTuple } from '../../../src/store/compile-tuple.ts';
import { findFlows, findSockets } from '../../../src/store/find-tuple.ts';
import { Reader } from '../../../src/store/reader.ts';
import { rowsOf, withDatabase } from '../../support/database.ts';
import { NOON, SECOND, tick } from '../../support/ticks.ts';

/** 40 flows of this host to ten others on four ports, one of them answered from 10.0.0.3. */
const FLOWS = Array.from({ length: 40 }, (_, i) => ({
  serial: i + 1,
  tuple:
    i % 10 === 3
      ? `tcp 10.0.0.3:${400 + (i % 4)} > 10.0.0.99:${40_000 + i}`
      : `tcp 10.0.0.99:${40_000 + i} > 10.0.0.${i % 10}:${400 + (i % 4)}`,
  firstUs: NOON + i * SECOND,
}));
const SOCKETS = [
  { id: 1, tuple: 'tcp 0.0.0.0:80 > 0.0.0.0' },
  { id: 2, tuple: 'tcp 10.0.0.99:40001 > 10.0.0.1:401' },
];
const TICK = tick({ flows: FLOWS, sockets: SOCKETS });

const planOf = (path: string, { sql, params }: ReturnType<typeof compileTuple>): string =>
  rowsOf(path, `EXPLAIN QUERY PLAN ${sql}`, ...params)
    .map(({ detail }) => detail)
    .join('\n');

const rowOf = (path: string, text: string): number =>
  Number(rowsOf(path, 'SELECT id FROM address WHERE text = ?', text)[0]!.id);

test('an end with an address leads through the index of both sides, never through all flows or sockets', () => {
  withDatabase([TICK], (path) => {
    const address = rowOf(path, '10.0.0.3');
    for (const end of [{ address }, { address, port: 403 }]) {
      const flows = planOf(path, compileTuple({ ends: [end, { port: 40_003 }], protocol: 6 }, 0, 5));
      assert.match(flows, /SEARCH f USING INDEX flow_src_end \(src_address=\?/);
      assert.match(flows, /SEARCH f USING INDEX flow_dst_end \(dst_address=\?/);
      assert.doesNotMatch(flows, /SCAN f\b/);
      const sockets = planOf(path, compileSockets({ ends: [end] }, 0, 5));
      assert.match(sockets, /SEARCH k USING .*INDEX socket_local_end \(local_address=\?/);
      assert.match(sockets, /SEARCH k USING .*INDEX socket_remote_end \(remote_address=\?/);
      assert.doesNotMatch(sockets, /SCAN k\b/);
      assert.doesNotMatch(planOf(path, compileEndCount('flow', end, 5)), /SCAN f\b/);
    }
  });
});

test('a rare port is looked for at every address through the index of both sides; with a time, the latest rows are looked at', () => {
  withDatabase([TICK], (path) => {
    const ends = [{ port: 40_003 }];
    for (const sql of [compileTuple({ ends }, 0, 5), compileEndCount('flow', ends[0]!, 5)]) {
      const plan = planOf(path, sql);
      assert.match(plan, /SEARCH f USING .*INDEX flow_src_end \(src_address=\? AND src_port=\?/);
      assert.match(plan, /SEARCH f USING .*INDEX flow_dst_end \(dst_address=\? AND dst_port=\?/);
      assert.doesNotMatch(plan, /SCAN f\b/);
    }
    const plan = planOf(path, compileSockets({ ends: [{ port: 80 }] }, 0, 5));
    assert.match(plan, /SEARCH k USING .*INDEX socket_local_end \(local_address=\? AND local_port=\?/);
    assert.match(plan, /SEARCH k USING .*INDEX socket_remote_end \(remote_address=\? AND remote_port=\?/);
    const reader = Reader.open(path);
    const range = { fromUs: NOON, toUs: NOON + 60 * SECOND };
    for (const query of [{ ends }, { ends, range }]) {
      assert.deepEqual(
        findFlows(reader, query, 5).map(({ src_addr }) => src_addr),
        ['10.0.0.3'],
      );
    }
    assert.deepEqual(
      findSockets(reader, { ends: [{ port: 401 }] }, 5).map(({ src_port }) => src_port),
      [40_001],
    );
    assert.deepEqual(findFlows(reader, { ends: [{ port: 40_003 }, { port: 404 }] }, 5), []);
    reader.close();
  });
});

test('without an address the latest rows are looked at first, and nothing is sorted that is not shown', () => {
  withDatabase([TICK], (path) => {
    const plan = planOf(path, compileTuple({ ends: [{ port: 443 }] }, 'latest-first', 5));
    assert.match(plan, /SCAN f USING INDEX flow_first/);
  });
});

test('a point in time limits which of the latest rows are looked at', () => {
  withDatabase([TICK], (path) => {
    const range = { fromUs: NOON, toUs: NOON + SECOND };
    const plan = planOf(path, compileTuple({ ends: [{ port: 443 }], range }, 'latest-first', 5));
    assert.match(plan, /SEARCH f USING INDEX flow_first \(first_us>\? AND first_us<\?\)/);
  });
});

test('every plan finds the same flows', () => {
  withDatabase([TICK], (path) => {
    const [ours, other] = [rowOf(path, '10.0.0.99'), rowOf(path, '10.0.0.3')];
    const queries: readonly StoredTuple[] = [
      { ends: [{ address: other }, { address: ours }] },
      { ends: [{ address: other, port: 401 }, { port: 40_013 }] },
      { ends: [{ address: ours }, { address: other, port: 403 }] },
      { ends: [{ address: other }, { address: other }] },
      { ends: [{ port: 403 }] },
    ];
    const reader = Reader.open(path);
    for (const query of queries) {
      const ids = (plan: 0 | 1 | 'latest-first', limit: number | null) =>
        reader.all(compileTuple(query, plan, limit)).map((row) => row.flow_id);
      for (const limit of [null, 2]) {
        assert.deepEqual(ids(0, limit), ids('latest-first', limit));
        if (query.ends[1]?.address !== undefined) assert.deepEqual(ids(1, limit), ids(0, limit));
      }
    }
    assert.equal(reader.all(compileTuple(queries[0]!, 1, null)).length, 4);
    reader.close();
  });
});

test('an address that was never seen is answered by the table of addresses alone', () => {
  withDatabase([TICK], (path) => {
    const reader = Reader.open(path);
    const asked: string[] = [];
    const spy = new Proxy(reader, {
      get(target, name) {
        if (name !== 'all') return Reflect.get(target, name);
        return (query: ReturnType<typeof compileTuple>) => {
          asked.push(query.sql);
          return target.all(query);
        };
      },
    });
    assert.deepEqual(findFlows(spy, { ends: [{ address: Uint8Array.of(192, 0, 2, 1) }] }, 5), []);
    assert.deepEqual(asked, ['SELECT id FROM address WHERE bytes = ?']);
    reader.close();
  });
});

test('an address remembers when it was first seen, also when older packets are read later', () => {
  const older = tick({ flows: [{ serial: 41, tuple: 'udp 10.0.0.9:1 > 10.0.0.99:2', firstUs: NOON - SECOND }] });
  withDatabase([TICK, older], (path) => {
    const firstOf = (text: string) => rowsOf(path, 'SELECT first_us FROM address WHERE text = ?', text)[0]!.first_us;
    assert.equal(firstOf('10.0.0.2'), NOON + 2 * SECOND);
    assert.equal(firstOf('10.0.0.9'), NOON - SECOND);
    assert.equal(firstOf('10.0.0.99'), NOON - SECOND);
  });
});
