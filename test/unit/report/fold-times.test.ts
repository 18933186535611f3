import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DAY_US, HOUR_US, MINUTE_US, type Us } from '../../../src/core/time.ts';
import { foldTimes } from '../../../src/report/fold-times.ts';
import type { Zone } from '../../../src/report/local-time.ts';

const DAWN = 20_000 * DAY_US; // a midnight in UTC
const utc: Zone = () => 0;

const begins = (zone: Zone, unit: 'minute' | 'hour' | 'day', ...buckets: Us[]) =>
  foldTimes(
    buckets.map((bucket_us) => ({ bucket_us, ip_bytes: 1, flows: 1 })),
    unit,
    zone,
    'asc',
  ).map(({ bucket_us, flows }) => [Number(bucket_us) - DAWN, flows]);

test('foldTimes() says when the hour or day began, not when its first bucket did', () => {
  const minutes = [DAWN + 9 * HOUR_US + 48 * MINUTE_US, DAWN + 9 * HOUR_US + 50 * MINUTE_US];
  assert.deepEqual(begins(utc, 'hour', ...minutes), [[9 * HOUR_US, 2]]);
  assert.deepEqual(begins(utc, 'day', ...minutes), [[0, 2]]);
  assert.deepEqual(begins(utc, 'minute', ...minutes).length, 2);
});

test('foldTimes() begins hours and days where the clock of the zone does', () => {
  const india: Zone = () => 5.5 * HOUR_US;
  const us = DAWN + 3 * HOUR_US + 48 * MINUTE_US; // 09:18 there
  assert.deepEqual(begins(india, 'hour', us), [[3.5 * HOUR_US, 1]]);
  assert.deepEqual(begins(india, 'day', us), [[-5.5 * HOUR_US, 1]]);
});

test('foldTimes() begins a day at its midnight also after clocks have changed', () => {
  const spring: Zone = (us) => (us < DAWN + HOUR_US ? 1 : 2) * HOUR_US; // at 02:00 it became 03:00
  assert.deepEqual(begins(spring, 'day', DAWN, DAWN + 12 * HOUR_US), [[-HOUR_US, 2]]);
});
