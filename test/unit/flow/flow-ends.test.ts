import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FlowEnds } from '../../../src/flow/flow-ends.ts';
import { NONE } from '../../../src/flow/flow-entries.ts';

test('FlowEnds finds the listed ends of a socket, not those of another one with the same low bits', () => {
  const ends = new FlowEnds();
  ends.reserve(4);
  const [cookie, another] = [7, 7 + 2 ** 32];
  ends.expect(0, cookie, true);
  ends.expect(3, another, true);
  ends.expect(4, cookie, false);
  assert.deepEqual([ends.endOf(cookie), ends.endOf(another), ends.endOf(8)], [0, 3, NONE]);
  ends.expect(0, another, true);
  ends.expect(3, 0, true);
  assert.deepEqual([ends.endOf(cookie), ends.endOf(another)], [NONE, 0]);
});
