import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { parseCidr } from '../../../src/cli/filters.ts';
import { compileFlows, compileProcesses, FLOW_SORTS, type FlowSort } from '../../../src/store/compile-query.ts';
import { compileHolders, compileSocketHolders, type TupleQuery } from '../../../src/store/compile-tuple.ts';
import type { FlowFilter } from '../../../src/store/conditions.ts';
import { findFlows, findSockets } from '../../../src/store/find-tuple.ts';
import { FlowStore } from '../../../src/store/flow-store.ts';
import { Reader } from '../../../src/store/reader.ts';
import { OPTIONS } from '../../support/database.ts';
import { INFO, NOON, processRow, SECOND, tick } from '../../support/ticks.ts';

const CONTAINER = 'ab'.repeat(32);
const curl = processRow(1, { pid: 100, comm: 'curl', exe: '/usr/bin/curl', uid: 1000, unit: 'session-1.scope' });
const nginx = processRow(2, { pid: 200, comm: 'nginx', exe: '/usr/sbin/nginx', uid: 33, unit: 'nginx.service' });
const python = processRow(3, { pid: 300, comm: 'worker', exe: '/opt/py/python3', uid: 0, container: CONTAINER });
const named = (id: number) => ({ process: id, program: id, source: 'diag', match: 'five-tuple', holders: 1 }) as const;

/** Flows 1 to 6: what each is for stands in the tests. */
const TICK = tick({
  programs: [curl.program, nginx.program, python.program],
  processes: [curl.row, nginx.row, { ...python.row, exitUs: NOON + SECOND }],
  users: [
    { uid: 1000, name: 'alice' },
    { uid: 33, name: 'www-data' },
  ],
  flows: [
    { serial: 1, tuple: 'tcp 10.0.0.5:40000 > 93.184.216.34:443', lastUs: NOON + 100 * SECOND, reply: [1, 5000, 4900] },
    { serial: 2, tuple: 'tcp 127.0.0.1:40001 > 127.0.0.1:80', firstUs: NOON + 10 * SECOND },
    { serial: 3, tuple: 'udp [2001:db8::5]:5353 > [2001:db8:1::9]:53', firstUs: NOON + 20 * SECOND },
    { serial: 4, tuple: 'icmp 10.0.0.5:443 > 10.9.9.9', firstUs: NOON + 30 * SECOND },
    { serial: 5, tuple: 'tcp 198.51.100.7:999 > 10.0.0.5:80', firstUs: NOON + 40 * SECOND },
    { serial: 6, tuple: 'udp 192.0.2.1:1 > 203.0.113.1:2', firstUs: NOON + 50 * SECOND },
  ],
  ends: [
    { serial: 1, side: 'src', ...named(1), socket: 1 },
    { serial: 1, side: 'dst', reason: 'not-local' },
    { serial: 2, side: 'src', ...named(1) },
    { serial: 2, side: 'dst', ...named(2), match: 'listener' },
    { serial: 3, side: 'src', ...named(3) },
    { serial: 3, side: 'dst', reason: 'not-local' },
    { serial: 4, side: 'src', reason: 'no-socket' },
    { serial: 4, side: 'dst', reason: 'not-local' },
    { serial: 5, side: 'src', reason: 'not-local' },
    {
      serial: 5,
      side: 'dst',
      program: 2,
      reason: 'ambiguous',
      source: 'diag',
      match: 'listener',
      holders: 2,
      socket: 2,
    },
    { serial: 6, side: 'src', reason: 'forwarded' },
    { serial: 6, side: 'dst', reason: 'forwarded' },
  ],
  sockets: [
    { id: 1, tuple: 'tcp 10.0.0.5:40000 > 93.184.216.34:443', process: 1 },
    { id: 2, tuple: 'tcp 0.0.0.0:80 > 0.0.0.0', toUs: NOON + 9 * SECOND },
    { id: 3, tuple: 'udp 0.0.0.0:68 > 0.0.0.0', process: 3 },
  ],
  holders: [
    { socket: 2, process: 2 },
    { socket: 2, process: 3 },
  ],
});

describe('queries', () => {
  let folder = '';
  let reader: Reader;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'pcapid-store-'));
    const store = FlowStore.open(join(folder, 'a.db'), OPTIONS);
    store.beginCapture(INFO);
    store.write(TICK);
    store.endCapture(NOON + 100 * SECOND);
    store.close();
    reader = Reader.open(join(folder, 'a.db'));
  });
  after(() => {
    reader.close();
    rmSync(folder, { recursive: true });
  });

  const flowsOf = (filter: FlowFilter) =>
    reader.all(compileFlows(filter, { by: 'first', direction: 'asc' }, null)).map((row) => row.flow_id);

  const CASES: readonly (readonly [string, FlowFilter, readonly number[]])[] = [
    ['nothing', {}, [1, 2, 3, 4, 5, 6]],
    ['process by comm, at either end', { process: 'curl' }, [1, 2]],
    ['process by name of its executable', { process: 'python3' }, [3]],
    ['process by path of its executable', { process: '/usr/bin/curl' }, [1, 2]],
    ['process that shares a socket', { process: 'nginx' }, [2, 5]],
    ['a part of a name is not the name', { process: 'url' }, []],
    ['a wildcard is not special', { process: '%' }, []],
    ['pid', { pid: 200 }, [2]],
    ['user by name', { user: 'www-data' }, [2, 5]],
    ['user by uid', { user: '1000' }, [1, 2]],
    ['user 0 is not everybody without a uid', { user: '0' }, [3]],
    ['unit', { unit: 'nginx.service' }, [2, 5]],
    ['unit without its suffix', { unit: 'nginx' }, [2, 5]],
    ['container by first digits', { container: 'abab' }, [3]],
    ['container by full id', { container: CONTAINER }, [3]],
    ['remote network', { remote: parseCidr('93.184.0.0/16') }, [1]],
    ['remote is not the local end', { remote: parseCidr('10.0.0.0/24') }, []],
    ['remote of forwarded flows is either end', { remote: parseCidr('192.0.2.0/24') }, [6]],
    ['remote IPv6 network', { remote: parseCidr('2001:db8:1::/48') }, [3]],
    ['all of IPv4 leaves IPv6 out', { remote: parseCidr('0.0.0.0/0') }, [1, 2, 4, 5, 6]],
    ['remote of that process', { process: 'nginx', remote: parseCidr('127.0.0.1') }, [2]],
    ['filters of an end hold at one end together', { process: 'curl', user: 'www-data' }, []],
    ['port of either end, not the id of a ping', { port: 443 }, [1]],
    ['port of the listening end', { port: 80 }, [2, 5]],
    ['protocol', { protocol: 17 }, [3, 6]],
    ['since keeps what still lasted', { sinceUs: NOON + 40 * SECOND }, [1, 5, 6]],
    ['until is exclusive', { untilUs: NOON + 10 * SECOND }, [1]],
    ['a range in the middle', { sinceUs: NOON + 15 * SECOND, untilUs: NOON + 25 * SECOND }, [1, 3]],
    [
      'everything together',
      {
        process: 'curl',
        pid: 100,
        user: 'alice',
        unit: 'session-1.scope',
        remote: parseCidr('93.184.216.34'),
        port: 443,
        protocol: 6,
        sinceUs: NOON,
        untilUs: NOON + 1,
      },
      [1],
    ],
  ];
  for (const [name, filter, expected] of CASES) {
    test(`compileFlows() filters: ${name}`, () => assert.deepEqual(flowsOf(filter), expected));
  }

  test('compileFlows() sorts by every field in both directions, and limits', () => {
    for (const by of Object.keys(FLOW_SORTS) as FlowSort[]) {
      const ids = (direction: 'asc' | 'desc', limit: number | null) =>
        reader.all(compileFlows({}, { by, direction }, limit)).map((row) => row.flow_id);
      assert.deepEqual(ids('asc', null), ids('desc', null).reverse(), by);
      assert.deepEqual(ids('desc', 2), ids('desc', null).slice(0, 2), by);
    }
    const [largest] = reader.all(compileFlows({}, { by: 'bytes', direction: 'desc' }, 1));
    assert.equal(largest?.flow_id, 1);
  });

  test('compileFlows() binds every value: quotes in a filter are only text', () => {
    const text = `x' OR '1'='1`;
    const query = compileFlows(
      { process: text, user: text, unit: text, container: text },
      { by: 'first', direction: 'asc' },
      null,
    );
    assert.ok(!query.sql.includes(text));
    assert.deepEqual(reader.all(query), []);
  });

  const processesOf = (filter: FlowFilter) =>
    reader
      .all(compileProcesses(filter, { by: 'pid', direction: 'asc' }, null))
      .map(({ comm, flows, ip_bytes }) => [comm, flows, ip_bytes]);

  test('compileProcesses() lists processes with the flows and bytes of their ends', () => {
    assert.deepEqual(processesOf({}), [
      ['curl', 2, 60 + 4900 + 60],
      ['nginx', 1, 60],
      ['worker', 1, 60],
    ]);
  });

  test('compileProcesses() has seen who has not ended as long as its flows lasted', () => {
    const seen = reader.all(compileProcesses({}, { by: 'pid', direction: 'asc' }, null));
    assert.ok(seen.length > 0);
    for (const { process, exit_us: exitUs, last_us: lastUs } of seen) {
      const own = 'SELECT p.last_us, max(e.last_us) AS flow_us FROM process p JOIN endpoint e ON e.process = p.id';
      const [stored] = reader.all({ sql: `${own} WHERE p.id = ?`, params: [process as number] });
      const wanted = exitUs === null ? Math.max(Number(stored!.last_us), Number(stored!.flow_us)) : stored!.last_us;
      assert.equal(lastUs, wanted);
    }
  });

  test('compileProcesses() leaves out who has no such flow', () => {
    assert.deepEqual(processesOf({ port: 443 }), [['curl', 1, 4960]]);
    assert.deepEqual(processesOf({ user: 'www-data' }), [['nginx', 1, 60]]);
    assert.deepEqual(processesOf({ remote: parseCidr('2001:db8::/32') }), [['worker', 1, 60]]);
  });

  test('compileProcesses() leaves out who lived and talked outside the range', () => {
    assert.deepEqual(processesOf({ sinceUs: NOON + 30 * SECOND }), [['curl', 1, 4960]]);
  });

  const whoOf = (query: TupleQuery) => findFlows(reader, query, null).map((row) => row.flow_id);

  test('findFlows() finds flows by any part of a tuple, in either direction, latest first', () => {
    const v4 = (...octets: number[]) => Uint8Array.from(octets);
    assert.deepEqual(whoOf({ ends: [{ port: 80 }] }), [5, 2]);
    assert.deepEqual(whoOf({ ends: [{ address: v4(10, 0, 0, 5) }] }), [1, 5, 4]);
    assert.deepEqual(whoOf({ ends: [{ address: v4(10, 0, 0, 5), port: 80 }] }), [5]);
    assert.deepEqual(whoOf({ ends: [{ address: v4(93, 184, 216, 34) }, { address: v4(10, 0, 0, 5) }] }), [1]);
    assert.deepEqual(whoOf({ protocol: 1, ends: [] }), [4]);
    assert.deepEqual(whoOf({ protocol: 17, ends: [{ port: 80 }] }), []);
    assert.deepEqual(whoOf({ ends: [{ address: v4(8, 8, 8, 8) }] }), []);
  });

  test('findFlows() finds flows that lasted at the time that was asked for', () => {
    const range = { fromUs: NOON + 60 * SECOND, toUs: NOON + 61 * SECOND };
    assert.deepEqual(whoOf({ ends: [], range }), [1]);
  });

  test('compileHolders() lists everybody who held the socket of a flow', () => {
    const rows = reader.all(compileHolders(5)).map(({ side, comm, role }) => [side, comm, role]);
    assert.deepEqual(rows, [
      ['dst', 'nginx', 'holder'],
      ['dst', 'worker', 'holder'],
    ]);
    assert.deepEqual(reader.all(compileHolders(1)), []);
  });

  test('findSockets() finds a socket that never had a packet, and its holders', () => {
    const [dhcp] = findSockets(reader, { ends: [{ port: 68 }] }, null);
    assert.deepEqual(
      [dhcp?.src_comm, dhcp?.src_addr, dhcp?.dst_addr, dhcp?.src_reason],
      ['worker', '0.0.0.0', null, null],
    );
    const [shared] = findSockets(reader, { ends: [{ port: 80 }] }, null);
    assert.deepEqual([shared?.src_pid, shared?.src_reason], [null, 'ambiguous']);
    assert.equal(reader.all(compileSocketHolders(Number(shared?.socket))).length, 2);
    const range = { fromUs: NOON + 10 * SECOND, toUs: NOON + 11 * SECOND };
    assert.deepEqual(findSockets(reader, { ends: [{ port: 80 }], range }, null), []);
  });

  test('Reader is read-only, and no statement of a query can write', () => {
    assert.throws(
      () => reader.all({ sql: 'DELETE FROM flow RETURNING id', params: [] }),
      /readonly|read-only|cannot be opened/,
    );
    assert.equal(flowsOf({}).length, 6);
  });
});
