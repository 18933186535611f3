import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseKeep, parseMaxSize } from '../../../src/cli/parse-keep.ts';

const DAY = 86_400e6;

test('parseKeep() takes ages by name, and leaves the others as by default', () => {
  assert.deepEqual(parseKeep('flows=1h30m,day=2y'), {
    flows: 5400e6,
    sockets: 30 * DAY,
    minute: 30 * DAY,
    hour: 365 * DAY,
    day: 730 * DAY,
  });
  assert.deepEqual(parseKeep('minute=forever').minute, null);
});

test('parseKeep() says what it does not understand', () => {
  for (const text of ['', 'week=1d', 'flows=1d=2d']) assert.throws(() => parseKeep(text), { code: 'bad-keep' }, text);
  for (const text of ['flows', 'flows=', 'flows=0d', 'flows=-1d', 'flows=soon'])
    assert.throws(() => parseKeep(text), { code: 'bad-duration', message: /^--keep: / }, text);
});

test('parseMaxSize() takes sizes from 1 MiB on, or none', () => {
  assert.deepEqual([parseMaxSize('2GB'), parseMaxSize('1MiB'), parseMaxSize('unlimited')], [2e9, 1 << 20, null]);
  for (const text of ['1k', '0', 'much']) assert.throws(() => parseMaxSize(text), { code: 'bad-size' }, text);
});
