import assert from 'node:assert/strict';
import { test } from 'node:test';
import { topRows } from '../../../../src/app/report/top-rows.ts';
import type { ReportRow, TopRows } from '../../../../src/core/report.ts';
import { reportOf } from '../../../support/reports.ts';
import { NOON, processRow, SECOND, tick } from '../../../support/ticks.ts';

const MINUTE = 60 * SECOND;
const PROGRAMS = 9;
const people = Array.from({ length: PROGRAMS }, (_, i) =>
  processRow(i + 1, { pid: i + 10, comm: `p${i}`, exe: `/bin/p${i}`, uid: 0 }),
);
/** Each minute one flow of each program, and one of nobody: 10,000 octets and 1,000 for every place in the list. */
const TICKS = Array.from({ length: 6 }, (_, minute) => {
  const firstUs = NOON + minute * MINUTE;
  const serial = (i: number) => minute * (PROGRAMS + 1) + i + 1;
  const flows = Array.from({ length: PROGRAMS + 1 }, (_, i) => ({
    serial: serial(i),
    tuple: `tcp 10.0.0.1:${1000 + serial(i)} > 10.0.1.${i}:443`,
    firstUs,
    orig: [1, 100, 0] as const,
    reply: [1, 100, 10_000 + i * 1000] as const,
  }));
  return tick({
    ...(minute === 0 && { programs: people.map(({ program }) => program), processes: people.map(({ row }) => row) }),
    flows,
    ends: flows.flatMap(({ serial }, i) => [
      i < PROGRAMS
        ? ({ serial, side: 'src', process: i + 1, program: i + 1, source: 'bpf', match: 'cookie', holders: 1 } as const)
        : ({ serial, side: 'src', reason: 'no-socket' } as const),
      { serial, side: 'dst', reason: 'not-local' } as const,
    ]),
    names: minute === 0 ? [{ id: 1, address: '10.0.1.8', text: 'big.example', source: 'dns' as const }] : [],
    atUs: firstUs,
  });
});
const ALL_BYTES = 6 * (10 * 10_000 + 45 * 1000);

const sum = ({ rows, others }: TopRows, field: string): number =>
  [...rows, ...(others === null ? [] : [others])].reduce((total, row) => total + Number(row[field] ?? 0), 0);

test('topRows() keeps the first rows and adds the others up', () => {
  const rows = [5, 3, 2, 1].map((n): ReportRow => ({ n, name: `x${n}` }));
  assert.deepEqual(topRows(rows, 2, ['n']), { rows: rows.slice(0, 2), others: { groups: 2, n: 3 } });
  assert.equal(topRows(rows, 4, ['n']).others, null);
});

test('gatherReport() adds up to what was captured in every list, however few rows are shown', () => {
  for (const most of [2, 100]) {
    const { parts, programs, remotes, services, flows, evidence, processes } = reportOf(TICKS, { most });
    assert.equal(sum({ rows: parts, others: null }, 'ip_bytes'), ALL_BYTES);
    for (const list of [programs, remotes, services]) assert.equal(sum(list, 'ip_bytes'), ALL_BYTES);
    assert.equal(
      sum(flows, 'orig_ip_bytes') + sum(flows, 'reply_ip_bytes') + Number(flows.others?.ip_bytes ?? 0),
      ALL_BYTES,
    );
    const attributed = Number(parts.find((part) => part.attributed === 1)?.ip_bytes);
    assert.equal(sum(processes, 'ip_bytes'), attributed);
    assert.deepEqual(
      evidence.map(({ source, match, confidence, ends, ip_bytes }) => [source, match, confidence, ends, ip_bytes]),
      [['bpf', 'cookie', 'exact', 6 * PROGRAMS, attributed]],
    );
  }
});

test('gatherReport() cuts the time into parts that add up to the programs, six of them by name', () => {
  const { timeline, programs } = reportOf(TICKS);
  assert.deepEqual([timeline.from_us, timeline.slot_us, timeline.slots], [NOON, MINUTE, 6]);
  assert.deepEqual(
    timeline.courses.map(({ kind, group, ip_bytes }) => [
      kind,
      group?.exe ?? null,
      new Set(ip_bytes).size,
      ip_bytes[0],
    ]),
    [
      ...[8, 7, 6, 5, 4, 3].map((i) => ['program', `/bin/p${i}`, 1, 10_000 + i * 1000]),
      ['others', null, 1, 30_000 + 3000],
      ['unattributed', null, 1, 19_000],
    ],
  );
  assert.ok(timeline.courses.slice(0, 6).every(({ group }) => programs.rows.includes(group!)));
});

test('gatherReport() says what the largest remotes were called and who talked to them', () => {
  const { remotes } = reportOf(TICKS, { most: 3 });
  assert.deepEqual(
    remotes.rows.map(({ remote_addr, name, processes, ip_bytes }) => [remote_addr, name, processes, ip_bytes]),
    [
      ['10.0.1.9', null, '(no-socket)', 6 * 19_000],
      ['10.0.1.8', 'big.example', 'p8', 6 * 18_000],
      ['10.0.1.7', null, 'p7', 6 * 17_000],
    ],
  );
});

test('gatherReport() keeps to the range that was asked for, in whole minutes', () => {
  const { range, parts, timeline, captures } = reportOf(TICKS, {
    sinceUs: NOON + 2 * MINUTE,
    untilUs: NOON + 4 * MINUTE - 30 * SECOND,
  });
  assert.deepEqual([range.from_us, range.to_us], [NOON + 2 * MINUTE, NOON + 4 * MINUTE]);
  assert.equal(sum({ rows: parts, others: null }, 'ip_bytes'), ALL_BYTES / 3);
  assert.deepEqual([timeline.slots, captures.rows.length], [2, 1]);
});

test('gatherReport() of a range in which nothing happened is empty, and of an empty database too', () => {
  for (const report of [reportOf(TICKS, { sinceUs: NOON + 600 * MINUTE }), reportOf([])]) {
    assert.deepEqual([report.parts, report.programs.rows, report.flows.rows], [[], [], []]);
    assert.deepEqual(report.timeline.courses, []);
  }
});

test('gatherReport() of chosen flows adds up to them in every list, and says what was captured beside', () => {
  const filter = { process: 'p3' };
  const { parts, programs, remotes, services, flows, processes, beside, timeline, ...report } = reportOf(TICKS, {
    filter,
    most: 1,
  });
  const bytes = 6 * 13_000;
  assert.deepEqual(parts, [{ attributed: 1, reason: null, flows: 6, packets: 12, ip_bytes: bytes }]);
  for (const list of [programs, remotes, services, processes]) assert.equal(sum(list, 'ip_bytes'), bytes);
  assert.deepEqual([flows.rows.length, flows.others?.groups, beside], [1, 5, []]);
  assert.deepEqual(report.filter, {
    text: 'chosen',
    captured: { flows: 6 * (PROGRAMS + 1), packets: 12 * (PROGRAMS + 1), ip_bytes: ALL_BYTES },
  });
  assert.equal(timeline.slots, 0, 'no counters by minute know the name of a process');
});

test('gatherReport() of chosen remotes has a course of time, from counters that know them', () => {
  const octets = Uint8Array.of(10, 0, 1, 7);
  const { parts, timeline } = reportOf(TICKS, { filter: { remote: { first: octets, last: octets } } });
  assert.equal(sum({ rows: parts, others: null }, 'ip_bytes'), 6 * 17_000);
  assert.deepEqual(
    timeline.courses.map(({ group, ip_bytes }) => [group?.exe, ip_bytes]),
    [['/bin/p7', new Array(6).fill(17_000)]],
  );
});

test('gatherReport() of a port is of either end, as `flows` takes it, in all of its lists', () => {
  const { parts, programs, flows, timeline } = reportOf(TICKS, { filter: { port: 1001 } });
  assert.deepEqual([parts[0]?.flows, sum(programs, 'ip_bytes'), flows.rows.length], [1, 10_000, 1]);
  assert.equal(timeline.slots, 0);
});
