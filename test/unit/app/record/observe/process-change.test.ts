import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isSameProcess, keepWords, mergeRead } from '../../../../../src/app/record/observe/process-change.ts';
import { makeProcess } from '../../../../support/facts.ts';

test('isSameProcess() compares every field, and arguments by their words', () => {
  const a = makeProcess(42, { argv: ['a', 'b'] });
  assert.equal(isSameProcess(a, { ...a, argv: ['a', 'b'] }), true);
  for (const other of [{ argv: ['a'] }, { argv: ['a', 'c'] }, { argv: null }, { comm: 'x' }, { forked: true }]) {
    assert.equal(isSameProcess(a, { ...a, ...other }), false, JSON.stringify(other));
  }
});

test('mergeRead() takes what /proc shows, and keeps what a zombie or an orphan does not show any more', () => {
  const told = makeProcess(42, { parentPid: 7, cgroup: '/a.service', unit: 'a.service', netns: 5, forked: true });
  const zombie = makeProcess(42, { parentPid: 1, comm: 'new', exe: null, argv: null, netns: 0, cgroup: null });
  assert.deepEqual(mergeRead(told, zombie), { ...told, comm: 'new' });
  const moved = makeProcess(42, { parentPid: 1, cgroup: '/b.slice', netns: 6, exe: '/bin/x' });
  assert.deepEqual(mergeRead(told, moved), { ...moved, parentPid: 7, forked: true });
});

test('keepWords() does not let a process write over its arguments, but for another program, or where none are known', () => {
  const told = makeProcess(42, { exe: '/tmp/x', argv: ['./x', '--steal'] });
  const shown = { ...told, comm: 'kworker/0:1', argv: ['[kworker/0:1]'] };
  assert.deepEqual(keepWords(told, shown), { ...shown, argv: told.argv });
  const other = { ...shown, exe: '/bin/y' };
  assert.deepEqual(keepWords(told, other), other);
  assert.deepEqual(keepWords({ ...told, argv: null }, shown), shown);
});
