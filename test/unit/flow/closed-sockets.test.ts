import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ClosedSockets } from '../../../src/flow/closed-sockets.ts';
import { MOST_WAITING, WAIT_US } from '../../../src/flow/waiting-events.ts';

test('ClosedSockets forgets a socket when no event can wait for it any more', () => {
  const closed = new ClosedSockets();
  closed.note(7, 100);
  closed.note(8, 200);
  closed.expire(WAIT_US + 101);
  assert.deepEqual([closed.get(7), closed.get(8), closed.isEmpty], [undefined, 200, false]);
  closed.expire(WAIT_US + 201);
  assert.equal(closed.isEmpty, true);
});

test('ClosedSockets keeps no more sockets than events can wait, the youngest', () => {
  const closed = new ClosedSockets();
  for (let cookie = 0; cookie <= MOST_WAITING; cookie++) closed.note(cookie, 1);
  closed.expire(2);
  assert.deepEqual([closed.get(0), closed.get(1)], [undefined, 1]);
});
