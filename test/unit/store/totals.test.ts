import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseCidr } from '../../../src/cli/filters.ts';
import { canCountHosts, compileAllHosts, NAMELESS_PROGRAMS } from '../../../src/store/compile-all-hosts.ts';
import { compileHosts } from '../../../src/store/compile-hosts.ts';
import { compileProcesses } from '../../../src/store/compile-query.ts';
import type { FlowFilter } from '../../../src/store/conditions.ts';
import { FlowStore } from '../../../src/store/flow-store.ts';
import { Reader, type Row } from '../../../src/store/reader.ts';
import { OPTIONS, rowsOf, withDatabase, withFolder } from '../../support/database.ts';
import { brokenRules } from '../../support/rollups.ts';
import { type EndLiteral, INFO, NOON, processRow, SECOND, tick } from '../../support/ticks.ts';

const MINUTE = 60 * SECOND;
const REMOTES = ['8.8.8.8', '9.9.9.9', '2001:db8::9'];
const people = [1, 2, 3].map((id) =>
  processRow(id, { pid: id, comm: `p${id}`, exe: `/bin/${id}`, uid: id, unit: `u${id % 2}.service` }),
);
const PEOPLE = { programs: people.map(({ program }) => program), processes: people.map(({ row }) => row) };
const OWNERS: readonly Omit<EndLiteral, 'serial' | 'side'>[] = [
  ...[1, 2, 3].map((id) => ({ process: id, program: id }) as const),
  { reason: 'no-socket' },
  { reason: 'kernel' },
  { program: 2, reason: 'ambiguous' },
];

/** A flow: to whom, when it began, how long it went on, who is named at first and later. */
const aFlow = fc.record({
  remote: fc.nat(REMOTES.length - 1),
  fromUs: fc.integer({ min: 0, max: 5 }).map((minute) => NOON + minute * MINUTE),
  minutes: fc.nat(3),
  owner: fc.nat(OWNERS.length - 1),
  later: fc.nat(OWNERS.length - 1),
  isLocal: fc.boolean(), // both ends are here
});
type Flow = typeof aFlow extends fc.Arbitrary<infer T> ? T : never;

/** Rows as a tick has them in that minute; every flow is named anew in its last one. */
function tickAt(minute: number, flows: readonly Flow[]) {
  const atUs = NOON + minute * MINUTE;
  const here = flows.flatMap((flow, i) => {
    const age = (atUs - flow.fromUs) / MINUTE;
    return age < 0 || age > flow.minutes ? [] : [{ ...flow, serial: i + 1, age }];
  });
  return tick({
    ...PEOPLE,
    atUs,
    flows: here.map(({ serial, remote, fromUs, age, isLocal }) => ({
      serial,
      tuple: isLocal
        ? 'tcp 127.0.0.1:40000 > 127.0.0.1:443'
        : REMOTES[remote]!.includes(':')
          ? `tcp [2001:db8::1]:40000 > [${REMOTES[remote]}]:443`
          : `tcp 10.0.0.1:40000 > ${REMOTES[remote]}:443`,
      firstUs: fromUs + serial,
      lastUs: fromUs + age * MINUTE + serial,
      isNew: age === 0,
      orig: [age + 1, 100 * (age + 1), 90 * (age + 1)],
      reply: [age, 1000 * age, 990 * age],
    })),
    ends: here.flatMap(({ serial, age, minutes, owner, later, isLocal }): EndLiteral[] => [
      ...(age === 0 ? [{ serial, side: 'src', ...OWNERS[owner]! } as const] : []),
      ...(age === minutes ? [{ serial, side: 'src', ...OWNERS[later]! } as const] : []),
      { serial, side: 'dst', ...(isLocal ? OWNERS[later]! : { reason: 'not-local' }) } as const,
    ]),
  });
}

const BY_BYTES = { by: 'bytes', direction: 'desc' } as const;
const NO_NEWS = { sinceUs: null, only: false };
const FILTERS: readonly FlowFilter[] = [
  {},
  { remote: parseCidr('8.0.0.0/7') },
  { user: '2' },
  { unit: 'u1' },
  { unit: 'u1', remote: parseCidr('2001:db8::/32') },
];

/** Times of counters are minutes; of several names that talked, the order is that of their bytes. */
const comparable = (rows: readonly Row[]) =>
  rows.map(({ first_us: _, last_us: __, processes, ...row }) => ({
    ...row,
    processes: String(processes)
      .split(', ')
      .map((name) => (name === '/bin/2' ? 'p2' : name))
      .filter((name, i, all) => all.indexOf(name) === i)
      .sort(),
  }));

function compare(path: string): void {
  const reader = Reader.open(path);
  try {
    for (const filter of FILTERS) {
      const counted = reader.all(compileAllHosts(filter, NO_NEWS, BY_BYTES, null));
      const scanned = reader.all(compileHosts(filter, NO_NEWS, BY_BYTES, null));
      assert.deepEqual(comparable(counted), comparable(scanned), JSON.stringify(filter));
      for (const [i, { last_us: lastUs }] of scanned.entries()) {
        const widened = Number(counted[i]!.last_us);
        if (Object.keys(filter).every((key) => key === 'remote'))
          assert.ok(Math.abs(Number(lastUs) - widened) < MINUTE, `${lastUs} ${widened}`);
      }
    }
    const processes = (filter: FlowFilter) =>
      reader
        .all(compileProcesses(filter, BY_BYTES, null, { withoutFlows: false, withParents: false }))
        .map(({ last_us: _, ...row }) => row);
    for (const filter of [{}, { pid: 1 }, { user: '2' }, { unit: 'u1' }])
      assert.deepEqual(processes(filter), processes({ ...filter, sinceUs: 0 }), JSON.stringify(filter));
  } finally {
    reader.close();
  }
}

test('hosts and processes of counters are those of flows, whenever flows are named, while recording and after', () => {
  fc.assert(
    fc.property(fc.array(aFlow, { minLength: 1, maxLength: 12 }), (flows) =>
      withFolder((folder) => {
        const path = join(folder, 'a.db');
        const store = FlowStore.open(path, OPTIONS);
        store.beginCapture(INFO);
        for (let minute = 0; minute < 9; minute++) {
          store.write(tickAt(minute, flows));
          if (minute % 4 === 1) compare(path);
        }
        store.endCapture(NOON + 10 * MINUTE);
        store.close();
        compare(path);
        assert.deepEqual(brokenRules(path), []);
      }),
    ),
    { numRuns: 15 },
  );
});

test('compileAllHosts() leaves out addresses that were seen before, and marks those that were not', () => {
  withFolder((folder) => {
    const path = join(folder, 'new.db');
    const store = FlowStore.open(path, OPTIONS);
    store.beginCapture(INFO);
    const flow = (remote: number, minute: number): Flow => ({
      ...{ remote, fromUs: NOON + minute * MINUTE, minutes: 0, owner: 0, later: 0, isLocal: false },
    });
    const flows = [flow(0, 0), flow(0, 5), flow(1, 5)];
    for (let minute = 0; minute < 6; minute++) store.write(tickAt(minute, flows));
    store.close();
    const reader = Reader.open(path);
    const newsOf = (only: boolean) =>
      reader
        .all(compileAllHosts({}, { sinceUs: NOON + 5 * MINUTE, only }, { by: 'seen', direction: 'asc' }, null))
        .map(({ remote_addr: remote, is_new: isNew, processes, flows: count }) => [remote, isNew, processes, count]);
    assert.deepEqual(newsOf(false), [
      ['8.8.8.8', 0, 'p1', 2],
      ['9.9.9.9', 1, 'p1', 1],
    ]);
    assert.deepEqual(newsOf(true), [['9.9.9.9', 1, 'p1', 1]]);
    reader.close();
  });
});

test('NAMELESS_PROGRAMS finds processes that only their names tell apart', () => {
  const found = (exe: string | null, ...comms: string[]) => {
    const rows = comms.map((comm, i) => processRow(i + 1, { pid: i + 1, comm, exe }));
    const one = tick({ programs: rows.map(({ program }) => program), processes: rows.map(({ row }) => row) });
    return withDatabase([one], (path) => rowsOf(path, NAMELESS_PROGRAMS.sql).length);
  };
  assert.deepEqual(
    [found(null, 'a', 'b'), found(null, 'a', 'a'), found(null, 'a', ''), found('/x', 'a', 'b')],
    [1, 0, 0, 0],
  );
});

test('compileAllHosts() calls a program as its file is where its processes have several names', () => {
  withFolder((folder) => {
    const path = join(folder, 'names.db');
    const store = FlowStore.open(path, OPTIONS);
    store.beginCapture(INFO);
    const scripts = [1, 2].map((id) => processRow(id, { pid: id, comm: `script${id}`, exe: '/usr/bin/python3' }));
    store.write(
      tick({
        programs: scripts.map(({ program }) => program),
        processes: scripts.map(({ row }) => row),
        flows: [{ serial: 1, tuple: 'tcp 10.0.0.1:1 > 8.8.8.8:443' }],
        ends: [{ serial: 1, side: 'src', process: 1, program: 1 }],
      }),
    );
    store.close();
    const reader = Reader.open(path);
    assert.deepEqual(
      reader.all(compileAllHosts({}, NO_NEWS, BY_BYTES, null)).map(({ processes }) => processes),
      ['python3'],
    );
    reader.close();
  });
});

test('canCountHosts() leaves to flows what counters do not know', () => {
  const can = (filter: FlowFilter) => canCountHosts(filter, NO_NEWS);
  assert.deepEqual([can({}), can({ unit: 'a', user: 'b', container: 'c', remote: parseCidr('::/0') })], [true, true]);
  for (const filter of [{ pid: 1 }, { process: 'a' }, { port: 1 }, { protocol: 6 }, { sinceUs: 1 }, { untilUs: 1 }])
    assert.equal(can(filter), false, JSON.stringify(filter));
  assert.equal(canCountHosts({}, { ...NO_NEWS, rows: { after: 0, to: 1 } }), false);
});

test('totals of a process go on when its flows are deleted, and go with its row', () => {
  withFolder((folder) => {
    const path = join(folder, 'old.db');
    const store = FlowStore.open(path, OPTIONS);
    store.beginCapture(INFO);
    store.write(
      tick({
        ...PEOPLE,
        processes: PEOPLE.processes.map((row, i) => (i === 0 ? { ...row, lastUs: NOON + 3000 * MINUTE } : row)),
        flows: [1, 2].map((serial) => ({ serial, tuple: 'udp 10.0.0.1:5 > 8.8.8.8:53', end: 'idle' as const })),
        ends: [1, 2].map((id) => ({ serial: id, side: 'src' as const, process: id, program: id })),
      }),
    );
    store.endCapture(NOON + MINUTE);
    const keep = { flows: 1, sockets: 1, minute: null, hour: null, day: null, maxBytes: null };
    while (store.prune(keep, NOON + 1500 * MINUTE, () => 0, 1));
    store.close();
    const totals = 'SELECT t.process, t.flows, p.pid FROM process_total t LEFT JOIN process p ON p.id = t.process';
    assert.deepEqual(rowsOf(path, totals), [{ process: 1, flows: 1, pid: 1 }]);
    assert.deepEqual(rowsOf(path, 'SELECT count(*) AS n FROM flow'), [{ n: 0 }]);
  });
});

test('a name that comes after totals of remotes were deleted changes none', () => {
  withFolder((folder) => {
    const path = join(folder, 'full.db');
    const store = FlowStore.open(path, OPTIONS);
    store.beginCapture(INFO);
    const flows = [{ remote: 0, fromUs: NOON, minutes: 5, owner: 0, later: 1, isLocal: false }];
    for (let minute = 0; minute < 5; minute++) store.write(tickAt(minute, flows));
    const keep = { flows: null, sockets: null, minute: null, hour: null, day: null, maxBytes: 1 };
    while (store.prune(keep, NOON + 5 * MINUTE, () => 0, 1));
    store.write(tickAt(5, flows));
    store.endCapture(NOON + 6 * MINUTE);
    store.close();
    assert.deepEqual(brokenRules(path), []);
    const totals = 'SELECT program, flows, rx_packets FROM remote_program';
    assert.deepEqual(rowsOf(path, totals), [{ program: 2, flows: 0, rx_packets: 1 }]);
  });
});
