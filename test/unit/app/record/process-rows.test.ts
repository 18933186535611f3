import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ClockSteps } from '../../../../src/app/record/clock-steps.ts';
import { ProcessRows } from '../../../../src/app/record/process-rows.ts';
import { setUp as setUpAttributor } from '../../../support/attributor.ts';
import { makeProcess } from '../../../support/facts.ts';

const SECOND = 1_000_000;
const OFFSET_US = 1_700_000_000 * SECOND;
const SEEN_US = 3 * SECOND;

function setUp() {
  const { attributor, observe } = setUpAttributor();
  const clock = new ClockSteps();
  clock.note(0, OFFSET_US);
  return { observe, clock, rows: new ProcessRows(attributor, { userName: () => null }, clock) };
}

test('ProcessRows stores all above a process that it stores, each once', () => {
  const { observe, rows } = setUp();
  const older = (pid: number, parentPid: number) => makeProcess(pid, { parentPid, startTicks: 1 });
  const children = [44, 43].map((pid) => makeProcess(pid, { parentPid: 7 }));
  observe({ atUs: SEEN_US, processes: [older(1, 0), older(7, 1), ...children, older(8, 8)] });
  const ids = () => rows.take().processes.map(({ id, process }) => `${id}:${process.pid}`);
  rows.id(children[0]!);
  rows.id(older(8, 8));
  assert.deepEqual(ids(), ['1:44', '2:7', '3:1', '4:8']);
  rows.id(children[1]!);
  assert.deepEqual(ids(), ['5:43']);
});

test('ProcessRows stores a process below any number of others', () => {
  const { observe, rows } = setUp();
  const depth = 20_000;
  const chain = Array.from({ length: depth }, (_, i) => makeProcess(i + 1, { parentPid: i }));
  observe({ atUs: SEEN_US, processes: chain });
  rows.id(chain.at(-1)!);
  assert.equal(rows.take().processes.length, depth);
});

test('ProcessRows gives a process the time of day at which it was seen, also when the clock was set since', () => {
  const { observe, clock, rows } = setUp();
  const [before, after] = [makeProcess(42), makeProcess(44)];
  observe({ atUs: SEEN_US, processes: [before] });
  clock.note(9 * SECOND, OFFSET_US + 3600 * SECOND);
  observe({ atUs: 10 * SECOND, processes: [after] });
  for (const process of [before, after]) rows.id(process);
  const first = rows.take().processes.map(({ firstUs }) => firstUs);
  assert.deepEqual(first, [OFFSET_US + SEEN_US, OFFSET_US + 3610 * SECOND]);
});
