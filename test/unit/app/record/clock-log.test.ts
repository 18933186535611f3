import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ClockLog } from '../../../../src/app/record/clock-log.ts';
import { HOUR_US, SECOND_US } from '../../../../src/core/time.ts';

const OFFSET_US = 1_790_000_000 * SECOND_US;

test('ClockLog notes the offset at the start and hourly', () => {
  const log = new ClockLog();
  assert.deepEqual(log.note(5, OFFSET_US), { bootUs: 5, offsetUs: OFFSET_US });
  assert.equal(log.note(5 + SECOND_US, OFFSET_US), null);
  assert.equal(log.note(4 + HOUR_US, OFFSET_US), null);
  assert.deepEqual(log.note(5 + HOUR_US, OFFSET_US), { bootUs: 5 + HOUR_US, offsetUs: OFFSET_US });
  assert.equal(log.note(6 + HOUR_US, OFFSET_US), null);
});

test('ClockLog notes a step of the time of day at once, forwards and backwards', () => {
  for (const stepUs of [HOUR_US, -HOUR_US, 1001, -1001]) {
    const log = new ClockLog();
    log.note(0, OFFSET_US);
    const after = { bootUs: SECOND_US, offsetUs: OFFSET_US + stepUs };
    assert.deepEqual(log.note(SECOND_US, OFFSET_US + stepUs), after);
    assert.equal(log.note(2 * SECOND_US, OFFSET_US + stepUs), null, 'once');
  }
});

test('ClockLog notes a slow drift when it has added up to a millisecond', () => {
  const log = new ClockLog();
  log.note(0, OFFSET_US);
  const noted: number[] = [];
  for (let second = 1; second <= 60; second++) {
    if (log.note(second * SECOND_US, OFFSET_US + second * 50) !== null) noted.push(second);
  }
  assert.deepEqual(noted, [21, 42]);
});
