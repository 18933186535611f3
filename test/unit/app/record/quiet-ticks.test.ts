import assert from 'node:assert/strict';
import { test } from 'node:test';
import { QuietTicks } from '../../../../src/app/record/quiet-ticks.ts';
import { createColumns } from '../../../../src/core/columns.ts';
import { FLOW_COLUMNS } from '../../../../src/core/flow.ts';
import type { CaptureCounters } from '../../../../src/core/tick.ts';
import { SECOND_US } from '../../../../src/core/time.ts';

const counters = { packets: 3, bytes: 300, kernelDrops: null } as unknown as CaptureCounters;
const report = { counters, flows: createColumns(FLOW_COLUMNS, 1), atUs: 0, last: false };
const at = (seconds: number, rest = {}) => ({
  ...report,
  counters: { ...counters },
  atUs: seconds * SECOND_US,
  ...rest,
});

/** The first tick is behind. */
function begun(): QuietTicks {
  const ticks = new QuietTicks();
  assert.equal(ticks.isDue(at(0), false), true, 'the first tells that the recording began');
  return ticks;
}

test('a tick in which nothing was counted is left out, but not for five seconds', () => {
  const ticks = begun();
  const due = [1, 2, 3, 4, 5, 6, 7, 10].map((second) => ticks.isDue(at(second), false));
  assert.deepEqual(due, [false, false, false, false, true, false, false, true]);
});

test('whatever was counted is told in its tick', () => {
  const ticks = begun();
  const more = { ...counters, packets: 4 };
  assert.equal(ticks.isDue(at(1, { counters: more }), false), true);
  assert.equal(ticks.isDue(at(2, { counters: { ...more } }), false), false);
  assert.equal(ticks.isDue(at(3, { counters: { ...more, kernelDrops: 0 } }), false), true, 'it became known');
});

test('rows, flows and the end of a recording are told in their tick', () => {
  const ticks = begun();
  assert.equal(ticks.isDue(at(1), true), true);
  const flows = { ...report.flows, count: 1 };
  assert.equal(ticks.isDue(at(2, { flows }), false), true);
  assert.equal(ticks.isDue(at(3, { last: true }), false), true);
});

test('on demand none is left out', () => {
  const ticks = new QuietTicks(true);
  assert.deepEqual(
    [0, 1, 2].map((second) => ticks.isDue(at(second), false)),
    [true, true, true],
  );
});
