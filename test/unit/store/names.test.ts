import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileFlows, compileProcesses } from '../../../src/store/compile-query.ts';
import { compileUsage } from '../../../src/store/compile-usage.ts';
import { Reader } from '../../../src/store/reader.ts';
import { rowsOf, withDatabase } from '../../support/database.ts';
import { type NameLiteral, NOON, processRow, SECOND, tick } from '../../support/ticks.ts';

const [APP, RESOLVER] = [processRow(1, { pid: 100 }), processRow(2, { pid: 200 })];
const PROCESSES = {
  programs: [APP.program, RESOLVER.program],
  processes: [APP.row, RESOLVER.row],
};
/** One flow of the app to 192.0.2.1, from NOON + 10 s to NOON + 20 s. */
const FLOW = { serial: 1, tuple: 'tcp 10.0.0.1:1000 > 192.0.2.1:443', firstUs: NOON + 10e6, lastUs: NOON + 20e6 };
const APPS = { serial: 1, side: 'src', process: 1, source: 'bpf', match: 'cookie' } as const;

let ids = 0;
const said = (text: string, atS: number, more: Partial<NameLiteral> = {}): NameLiteral => ({
  id: ++ids,
  text,
  address: '192.0.2.1',
  source: 'dns',
  fromUs: NOON + atS * SECOND,
  ...more,
});

function nameOf(...names: readonly NameLiteral[]): unknown {
  ids = 0;
  return withDatabase([tick({ ...PROCESSES, flows: [FLOW], ends: [APPS], names })], (path) => {
    const [flow] = rowsOf(path, 'SELECT src_name, dst_name, dst_name_source FROM flow_record');
    const [end] = rowsOf(path, "SELECT name, remote_name, remote_name_source FROM endpoint WHERE side = 'src'");
    assert.deepEqual([end!.name, end!.remote_name, end!.remote_name_source], Object.values(flow!));
    assert.equal(flow!.src_name, null);
    return flow!.dst_name === null ? null : `${flow!.dst_name} ${flow!.dst_name_source}`;
  });
}

test('flow_record calls an end by the newest answer before the flow ended, and says that it is by the address', () => {
  assert.equal(nameOf(said('old', 1), said('new', 15), said('later', 21)), 'new address');
  assert.equal(nameOf(said('other', 1, { address: '192.0.2.2' }), said('later', 21)), null);
});

test('flow_record prefers what its own process was told before the flow began', () => {
  const own = said('own', 2, { process: 1 });
  assert.equal(nameOf(own, said('newer', 5, { process: 2 }), said('meanwhile', 11, { process: 1 })), 'own dns');
  assert.equal(nameOf(said('meanwhile', 11, { process: 1 })), 'meanwhile address');
  assert.equal(nameOf(said('tv.local', 3, { process: 1, source: 'mdns' })), 'tv.local mdns');
});

test('flow_record prefers what the flow itself said, the first of it', () => {
  const own = said('own', 2, { process: 1 });
  assert.equal(
    nameOf(own, said('sni', 10, { source: 'sni', flow: 1 }), said('b', 11, { source: 'http', flow: 1 })),
    'sni sni',
  );
});

test('what one flow said names no other flow to that address', () => {
  assert.equal(nameOf(said('proxied', 1, { source: 'http' })), null);
});

test('a name that is told again keeps its row, and a text is stored once', () => {
  ids = 0;
  const first = said('a.example', 1, { process: 2 });
  const other = said('a.example', 2, { address: '192.0.2.2' });
  const again = { ...first, toUs: NOON + 9e6 };
  withDatabase(
    [tick({ ...PROCESSES, names: [first, other] }), tick({ names: [again] }), tick({ names: [again] })],
    (path) => {
      const sql = `SELECT a.text AS address, h.text AS name, h.backwards, s.token AS source, p.pid,
      n.from_us AS fromUs, n.to_us AS toUs FROM name n JOIN address a ON a.id = n.address
      JOIN host_name h ON h.id = n.host_name JOIN name_source s ON s.id = n.source LEFT JOIN process p ON p.id = n.process`;
      const same = { name: 'a.example', backwards: 'elpmaxe.a', source: 'dns' };
      assert.deepEqual(rowsOf(path, sql), [
        { address: '192.0.2.1', ...same, pid: 200, fromUs: NOON + 1e6, toUs: NOON + 9e6 },
        { address: '192.0.2.2', ...same, pid: null, fromUs: NOON + 2e6, toUs: NOON + 2e6 },
      ]);
      assert.equal(rowsOf(path, 'SELECT count(*) AS texts FROM host_name')[0]!.texts, 1);
    },
  );
});

test('a filter by name finds the flows that are called so, and no others', () => {
  ids = 0;
  const flows = [1, 2, 3].map((n) => ({ ...FLOW, serial: n, tuple: `tcp 10.0.0.1:${n} > 192.0.2.${n}:443` }));
  const ends = flows.map(({ serial }) => ({ ...APPS, serial }));
  const names = [
    said('www.a.example', 1),
    said('was-once.example', 1, { address: '192.0.2.2' }),
    said('a.example', 5, { address: '192.0.2.2' }),
    said('la.example', 1, { address: '192.0.2.3' }),
  ];
  withDatabase([tick({ ...PROCESSES, flows, ends, names })], (path) => {
    const reader = Reader.open(path);
    const found = (name: string, itself: boolean, below: boolean): unknown[] => {
      const filter = { name: { name, itself, below } };
      const ids = reader.all(compileFlows(filter, { by: 'first', direction: 'asc' }, null)).map((row) => row.flow_id);
      const [used] = reader.all(
        compileUsage({
          filter,
          groupBy: 'process',
          segments: [],
          order: { by: 'total', direction: 'desc' },
          limit: null,
        }),
      );
      const [process] = reader.all(compileProcesses(filter, { by: 'flows', direction: 'desc' }, null));
      assert.equal(used?.flows ?? 0, ids.length);
      assert.equal(process?.flows ?? 0, ids.length);
      return ids;
    };
    assert.deepEqual(found('a.example', true, false), [2]);
    assert.deepEqual(found('a.example', false, true), [1]);
    assert.deepEqual(found('a.example', true, true), [1, 2]);
    assert.deepEqual(found('example', false, true), [1, 2, 3]);
    assert.deepEqual(found('was-once.example', true, false), [], 'it is called otherwise by then');
    const query = compileFlows(
      { name: { name: 'a.example', itself: true, below: true } },
      { by: 'first', direction: 'asc' },
      10,
    );
    const plan = reader.all({ sql: `EXPLAIN QUERY PLAN ${query.sql}`, params: query.params }).map((row) => row.detail);
    assert.ok(
      plan.some((detail) => /host_name USING .*INDEX host_name_backwards/.test(String(detail))),
      plan.join('\n'),
    );
    assert.deepEqual(
      plan.filter((detail) => /SCAN (name|host_name|n|h)\b/.test(String(detail))),
      [],
    );
    reader.close();
  });
});

test('sums over ends look up no name', () => {
  withDatabase([tick()], (path) => {
    const plan = rowsOf(path, 'EXPLAIN QUERY PLAN SELECT process, sum(tx_bytes) FROM endpoint GROUP BY process');
    assert.doesNotMatch(JSON.stringify(plan), /name/);
    const reader = Reader.open(path);
    const usage = compileUsage({
      filter: {},
      groupBy: 'pid',
      segments: [],
      order: { by: 'total', direction: 'desc' },
      limit: null,
    });
    const usagePlan = reader.all({ sql: `EXPLAIN QUERY PLAN ${usage.sql}`, params: usage.params });
    reader.close();
    assert.doesNotMatch(JSON.stringify(usagePlan), /name_/);
    const named = rowsOf(path, 'EXPLAIN QUERY PLAN SELECT dst_name FROM flow_record');
    assert.match(JSON.stringify(named), /SEARCH a USING (COVERING )?INDEX name_process/);
    assert.doesNotMatch(JSON.stringify(named), /SCAN (a|dw|dx)\b/);
  });
});
