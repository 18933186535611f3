import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lifeOf, type Processes } from '../../../../src/app/annotate/process-life.ts';
import { History } from '../../../../src/app/read/history.ts';
import { ProcessTable } from '../../../../src/attribution/process-table.ts';
import { withDatabase } from '../../../support/database.ts';
import { NOON, process, processRow, SECOND, tick } from '../../../support/ticks.ts';

const curl = process({ pid: 40, startTicks: 900, parentPid: 30, comm: 'curl' });
const NO_CLOCK = { startUs: () => undefined };

test('lifeOf() follows parents as far as they are known, and never to who is younger', () => {
  const table = new ProcessTable();
  const bash = process({ pid: 30, startTicks: 800, parentPid: 20, comm: 'bash' });
  const later = process({ pid: 30, startTicks: 950, parentPid: 1, comm: 'other' }); // the pid again
  for (const one of [bash, later, process({ pid: 20, startTicks: 100, parentPid: 2, comm: 'sshd' })])
    table.observe(one, 0);
  const processes: Processes = { ...NO_CLOCK, latest: (...one) => table.latest(...one) };
  assert.deepEqual(lifeOf(curl, processes), {
    start_us: null,
    start_boot_us: 9_000_000,
    parents: 'bash[30] < sshd[20] < process 2',
  });
});

test('lifeOf() ends with parents that go in a circle, and says nothing of what is not known', () => {
  const round = { ...NO_CLOCK, latest: (pid: number) => process({ pid, startTicks: 0, parentPid: pid === 5 ? 6 : 5 }) };
  assert.equal(lifeOf(process({ pid: 5, startTicks: 0, parentPid: 6 }), round).parents?.split(' < ').length, 32);
  const alone = process({ pid: 7, startTicks: 0, parentPid: 0 });
  assert.deepEqual(lifeOf(alone, round), { start_us: null, start_boot_us: null, parents: null });
});

test('a start that is told since the epoch is a time of day', () => {
  const noted = process({ pid: 9, startTicks: NOON / 10_000, parentPid: 0 });
  assert.equal(lifeOf(noted, { ...NO_CLOCK, latest: () => undefined }).start_us, NOON);
});

test('a history knows parents that had no socket, and the time of day of a start', () => {
  const bash = processRow(1, { pid: 30, startTicks: 800, parentPid: 20, comm: 'bash' });
  const child = processRow(2, curl);
  const recorded = tick({
    programs: [bash.program, child.program],
    processes: [bash.row, child.row],
    sockets: [{ id: 1, tuple: 'tcp 10.0.0.5:40000 > 93.184.216.34:443', process: 2 }],
    clock: { bootUs: 5_000_000, offsetUs: NOON },
  });
  withDatabase([recorded], (path) => {
    const history = new History(path, SECOND); // the clock of the capture is ahead
    const [told] = history.until(Number.POSITIVE_INFINITY, NOON)!.processes;
    assert.deepEqual(
      lifeOf(told!, { latest: (...one) => history.latest(...one), startUs: (at) => history.startUs(at) }),
      {
        start_us: NOON + 9_000_000 + SECOND,
        start_boot_us: null,
        parents: 'bash[30] < process 20',
      },
    );
    history.close();
  });
});
