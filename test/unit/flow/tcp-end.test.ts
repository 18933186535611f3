import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { S_ENDED, S_FIN, S_OPEN, S_REFUSED, S_SYN } from '../../../src/flow/flow-state.ts';
import {
  afterSegment,
  isSyn,
  isSynAck,
  opensAnother,
  TCP_ACK,
  TCP_FIN,
  TCP_RST,
  TCP_SYN,
} from '../../../src/flow/tcp-end.ts';

/** State after segments given as [direction, flags]. */
const run = (...segments: readonly (readonly [number, number])[]): number =>
  segments.reduce((state, [direction, flags]) => afterSegment(state, direction, flags), 0);
const isEnded = (state: number): boolean => (state & S_ENDED) !== 0;

describe('afterSegment()', () => {
  test('afterSegment() ends at the second FIN, of the other side', () => {
    assert.equal(isEnded(run([0, TCP_FIN | TCP_ACK], [1, TCP_ACK], [0, TCP_FIN | TCP_ACK])), false);
    assert.equal(isEnded(run([0, TCP_FIN | TCP_ACK], [1, TCP_FIN | TCP_ACK])), true);
    assert.equal(isEnded(run([1, TCP_FIN], [0, TCP_FIN])), true);
  });

  test('afterSegment() ends at a RST of either side', () => {
    assert.equal(isEnded(run([0, TCP_SYN], [1, TCP_RST | TCP_ACK])), true);
    assert.equal(isEnded(run([0, TCP_RST])), true);
  });

  test('afterSegment() tells a connection that was refused from one that was broken off', () => {
    const isRefused = (state: number): boolean => (state & S_REFUSED) !== 0;
    assert.ok(isRefused(run([0, TCP_SYN], [1, TCP_RST | TCP_ACK])));
    assert.ok(isRefused(run([1, TCP_SYN], [1, TCP_SYN], [0, TCP_RST | TCP_ACK])));
    assert.ok(!isRefused(run([0, TCP_SYN], [0, TCP_RST])), 'who asked gave up');
    assert.ok(!isRefused(run([0, TCP_SYN], [1, TCP_SYN | TCP_ACK], [0, TCP_ACK], [1, TCP_RST])));
    assert.ok(!isRefused(run([1, TCP_RST])));
  });

  test('afterSegment() remembers the SYN of each side and that the handshake is over', () => {
    assert.equal(run([0, TCP_SYN]), S_SYN);
    assert.equal(run([0, TCP_SYN], [1, TCP_SYN | TCP_ACK]), S_SYN);
    assert.equal(run([0, TCP_SYN], [1, TCP_SYN]), S_SYN | (S_SYN << 1));
    assert.equal(run([0, TCP_SYN], [1, TCP_SYN | TCP_ACK], [0, TCP_ACK]), S_SYN | S_OPEN);
    assert.equal(run([1, TCP_FIN]), (S_FIN << 1) | S_OPEN);
  });
});

describe('opensAnother()', () => {
  test('opensAnother() tells a new connection from a SYN that is sent again', () => {
    assert.equal(opensAnother(S_SYN | S_OPEN, 0, 100, 100), false);
    assert.equal(opensAnother(S_SYN | S_OPEN, 0, 100, 101), true);
    assert.equal(opensAnother(S_SYN, 0, 100, 101), true);
    assert.equal(opensAnother(S_SYN | S_ENDED, 0, 100, 100), false);
  });

  test('opensAnother() takes a SYN from the other side for a simultaneous open only during the handshake', () => {
    assert.equal(opensAnother(S_SYN, 1, 0, 7), false);
    assert.equal(opensAnother(S_SYN | S_OPEN, 1, 0, 7), true);
    assert.equal(opensAnother(S_SYN | S_ENDED, 1, 0, 7), true);
  });

  test('opensAnother() takes a SYN after its SYN+ACK for reordered, after data for a new connection', () => {
    assert.equal(opensAnother(0, 0, 0, 7), false);
    assert.equal(opensAnother(S_OPEN, 0, 0, 7), true);
  });
});

test('isSyn() and isSynAck() look past other flags, but not past RST', () => {
  assert.deepEqual([TCP_SYN, TCP_SYN | 0xc0, TCP_SYN | TCP_ACK, TCP_SYN | TCP_RST, TCP_ACK].map(isSyn), [
    true,
    true,
    false,
    false,
    false,
  ]);
  assert.deepEqual([TCP_SYN, TCP_SYN | TCP_ACK | 0x40, TCP_SYN | TCP_ACK | TCP_RST, TCP_ACK].map(isSynAck), [
    false,
    true,
    false,
    false,
  ]);
});
