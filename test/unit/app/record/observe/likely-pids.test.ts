import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LikelyPids } from '../../../../../src/app/record/observe/likely-pids.ts';
import { ProcFs } from '../../../../../src/linux/proc-fs.ts';

/** Processes with so many descriptors; before Linux 6.2 the kernel always says 0. */
class CountedFs extends ProcFs {
  readonly descriptors = new Map<number, number>();

  override size(path: string): number | undefined {
    return this.descriptors.get(parseInt(path, 10));
  }
}

function setUp(...pids: number[]) {
  const proc = new CountedFs();
  for (const pid of pids) proc.descriptors.set(pid, 4);
  const likely = new LikelyPids(proc);
  return { proc, likely, take: () => likely.take([...proc.descriptors.keys()]) };
}

test('LikelyPids takes everybody the first time, then nobody', () => {
  const { take } = setUp(7, 8);
  assert.deepEqual(take(), [7, 8]);
  assert.deepEqual(take(), []);
});

test('LikelyPids takes new processes and those with another number of descriptors', () => {
  const { proc, take } = setUp(7, 8);
  take();
  proc.descriptors.set(8, 5).set(9, 3);
  assert.deepEqual(take(), [8, 9]);
  assert.deepEqual(take(), []);
  proc.descriptors.set(8, 4);
  assert.deepEqual(take(), [8]);
});

test('LikelyPids takes the latest owners again and again, until they are gone', () => {
  const { proc, likely, take } = setUp(...Array.from({ length: 100 }, (_, i) => i + 1));
  take();
  for (let pid = 1; pid <= 100; pid++) likely.noteOwner(pid);
  const owners = take();
  assert.equal(owners.length, 32);
  assert.ok(owners.includes(100) && !owners.includes(1));
  assert.deepEqual(take(), owners);
  proc.descriptors.delete(100);
  take();
  proc.descriptors.set(100, 4);
  assert.ok(take().includes(100), 'it is new');
  assert.equal(take().includes(100), false);
});

test('LikelyPids knows new processes and owners where the kernel does not count descriptors', () => {
  const { proc, likely, take } = setUp();
  for (const pid of [7, 8]) proc.descriptors.set(pid, 0);
  take();
  proc.descriptors.set(9, 0);
  likely.noteOwner(7);
  assert.deepEqual(take(), [7, 9]);
});
