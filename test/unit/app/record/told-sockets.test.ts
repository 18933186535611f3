import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ToldSockets } from '../../../../src/app/record/told-sockets.ts';

test('ToldSockets knows what it was told of a row until the row is given to another socket', () => {
  const told = new ToldSockets();
  assert.deepEqual([told.isTold(0), told.isTold(1e6)], [false, false]);
  told.note(5000, 1, 70, 42, 2, 3);
  assert.deepEqual([told.isTold(5000), told.isTold(4999)], [true, false]);
  assert.deepEqual([told.id[5000], told.toUs[5000], told.beginUs[5000]], [1, 70, 3]);
  assert.deepEqual([told.says(5000, 42, 2), told.says(5000, 42, 1), told.says(5000, 42, 3)], [true, true, false]);
  assert.equal(told.says(5000, 43, 2), false);
  told.forget(5000);
  told.forget(1e6);
  assert.deepEqual([told.isTold(5000), told.says(5000, 42, 2)], [false, false]);
});
