import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OldestPacket } from '../../../src/flow/oldest-packet.ts';

const SEC = 1e6;
const HOUR = 3600 * SEC;

test('a packet may have waited long in its ring, as long as the clock did not step', () => {
  const oldest = new OldestPacket();
  assert.equal(oldest.of(9 * HOUR, 100 * SEC), -Infinity, 'nothing is known of the time before');
  assert.equal(oldest.of(9 * HOUR + 900, 101 * SEC), 70 * SEC);
  assert.equal(oldest.of(9 * HOUR + 1800, 102 * SEC), 71 * SEC, 'slewed, not stepped');
});

test('after a step of the clock, either way, packets may have its time of before, so they are not much older than now', () => {
  for (const step of [HOUR, -HOUR]) {
    const oldest = new OldestPacket();
    oldest.of(0, 100 * SEC);
    assert.equal(oldest.of(step, 101 * SEC), 99 * SEC);
    assert.equal(oldest.of(step, 131 * SEC), 100 * SEC);
    assert.equal(oldest.of(step, 132 * SEC), 101 * SEC);
    assert.equal(oldest.of(step, 133 * SEC), 102 * SEC);
  }
});

test('the packets of a file have any time', () => {
  const oldest = new OldestPacket();
  assert.deepEqual([oldest.of(0, Infinity), oldest.of(0, Infinity)], [-Infinity, -Infinity]);
});
