import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bugIn } from '../../../../src/app/record/thread.ts';

test('a bug in a thread tells what failed, why, and where it was thrown', () => {
  const cause = new TypeError('no such column');
  const { message } = bugIn('the database cannot be written', cause);
  assert.match(message, /^the database cannot be written: TypeError: no such column\n +at .*thread\.test/);
});

test('what is thrown without being an error is told as it is', () => {
  assert.equal(bugIn('the database cannot be pruned', 'gone').message, 'the database cannot be pruned: gone');
});
