import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ClockSteps } from '../../../../src/app/record/clock-steps.ts';

const HOUR_US = 3_600_000_000;

test('a fact has the time of day of its own moment, whatever the clock is set to later', () => {
  const clock = new ClockSteps();
  assert.equal(clock.wallUs(5), 5);
  clock.note(1_000_000, 50 * HOUR_US);
  clock.note(2_000_000, 50 * HOUR_US + 400); // slewed, no step
  clock.note(3_000_000, 49 * HOUR_US);
  assert.deepEqual(
    [500_000, 2_900_000, 3_000_000, 9_000_000].map((us) => clock.wallUs(us) - us),
    [50 * HOUR_US, 50 * HOUR_US, 49 * HOUR_US, 49 * HOUR_US],
  );
  assert.equal(clock.offsetUs, 49 * HOUR_US);
});

test('a clock that is set a thousand times is no leak: the latest offsets count', () => {
  const clock = new ClockSteps();
  for (let i = 0; i < 1000; i++) clock.note(i * 1000, i * 10_000);
  assert.equal(clock.wallUs(999_500), 999_500 + 9_990_000);
  assert.equal(clock.wallUs(0), 936 * 10_000, 'the oldest that is remembered');
});
