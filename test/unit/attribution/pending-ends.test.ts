import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FlowEnd } from '../../../src/attribution/flow-end.ts';
import { PendingEnds, Standing } from '../../../src/attribution/pending-ends.ts';
import { KEY_WORDS, Protocol } from '../../../src/core/tuple.ts';
import { makeKey } from '../../support/facts.ts';

const end = (port: number, lastUs: number, ended: boolean): FlowEnd => ({
  key: makeKey(Protocol.Udp, ['192.0.2.1', port], ['198.51.100.1', 53]),
  nat: new Int32Array(KEY_WORDS),
  at: 0,
  firstUs: 0,
  lastUs,
  ended,
  beganIt: true,
  isRefused: false,
  isCut: false,
  isHanded: false,
  handedUs: 0,
  cutUs: Infinity,
  ifindex: 0,
  netns: 0,
  cookie: 0,
  isMulticast: false,
  isForeign: false,
});

function setUp() {
  const pending = new PendingEnds();
  const add = (serial: number, port: number, lastUs: number, ended: boolean): void =>
    pending.add(serial, 0, end(port, lastUs, ended), Standing.Local, 0);
  return { pending, add };
}

test('PendingEnds asks a new end once, and again only when it is touched', () => {
  const { pending, add } = setUp();
  add(1, 1000, 5, false);
  assert.equal(pending.takeDirty().length, 1);
  assert.equal(pending.takeDirty().length, 0);
  pending.touchPort(Protocol.Udp, 1001);
  assert.equal(pending.takeDirty().length, 0);
  pending.touchPort(Protocol.Udp, 1000);
  pending.touchTuple(end(1000, 0, false).key, 0);
  assert.equal(pending.takeDirty().length, 1);
});

test('PendingEnds does not ask an end that was settled, nor the one that took its row', () => {
  const { pending, add } = setUp();
  add(1, 1000, 5, false);
  const [row] = pending.takeDirty();
  pending.touchPort(Protocol.Udp, 1000);
  pending.settle(row!);
  assert.deepEqual(pending.takeDirty(), []);
  add(2, 2000, 5, false);
  assert.deepEqual(pending.takeDirty(), [row]);
  assert.equal(pending.rows.serial[row!], 2);
});

test('PendingEnds gives up ended flows by age, and the oldest beyond a number, never living ones', () => {
  const { pending, add } = setUp();
  add(1, 1, 10, true);
  add(2, 2, 20, true);
  add(3, 3, 0, false);
  add(4, 4, 30, true);
  const endedBefore = (us: number) => (row: number) => pending.rows.lastUs[row]! < us;
  pending.giveUp(endedBefore(15), 100);
  assert.equal(pending.size, 3);
  pending.giveUp(endedBefore(0), 1);
  assert.equal(pending.size, 2);
  pending.extend(
    pending.firstOf(3),
    { lastUs: 99, ended: true, isRefused: false, isCut: false, cutUs: [Infinity, Infinity] },
    0,
  );
  pending.giveUp(endedBefore(1000), 100);
  assert.equal(pending.size, 0);
});
