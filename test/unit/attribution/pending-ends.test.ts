import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PendingEnds } from '../../../src/attribution/pending-ends.ts';
import { Protocol } from '../../../src/core/tuple.ts';
import { makeKey } from '../../support/facts.ts';

const end = (port: number, lastUs: number, ended: boolean) => ({
  key: makeKey(Protocol.Udp, ['192.0.2.1', port], ['198.51.100.1', 53]),
  at: 0,
  firstUs: 0,
  lastUs,
  ended,
  ifindex: 0,
  multicast: false,
});

test('PendingEnds asks a new end once, and again only when it is touched', () => {
  const pending = new PendingEnds();
  pending.add(1, 0, end(1000, 5, false));
  assert.equal(pending.takeDirty().length, 1);
  assert.equal(pending.takeDirty().length, 0);
  pending.touchPort(Protocol.Udp, 1001);
  assert.equal(pending.takeDirty().length, 0);
  pending.touchPort(Protocol.Udp, 1000);
  pending.touchTuple(end(1000, 0, false).key, 0);
  assert.equal(pending.takeDirty().length, 1);
});

test('PendingEnds does not ask an end that was settled, nor the one that took its row', () => {
  const pending = new PendingEnds();
  pending.add(1, 0, end(1000, 5, false));
  const [row] = pending.takeDirty();
  pending.touchPort(Protocol.Udp, 1000);
  pending.settle(row!);
  assert.deepEqual(pending.takeDirty(), []);
  pending.add(2, 0, end(2000, 5, false));
  assert.deepEqual(pending.takeDirty(), [row]);
  assert.equal(pending.rows.serial[row!], 2);
});

test('PendingEnds gives up ended flows by age, and the oldest beyond a number, never living ones', () => {
  const pending = new PendingEnds();
  pending.add(1, 0, end(1, 10, true));
  pending.add(2, 0, end(2, 20, true));
  pending.add(3, 0, end(3, 0, false));
  pending.add(4, 0, end(4, 30, true));
  pending.giveUp(15, 100);
  assert.equal(pending.size, 3);
  pending.giveUp(0, 1);
  assert.equal(pending.size, 2);
  pending.extend(3, 99, true);
  pending.giveUp(1000, 100);
  assert.equal(pending.size, 0);
});
