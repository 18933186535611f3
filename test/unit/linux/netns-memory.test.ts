import assert from 'node:assert/strict';
import { rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { NetnsMemory } from '../../../src/linux/netns-memory.ts';
import { type TempRoots, tempRoots } from '../../support/temp-roots.ts';

let roots: TempRoots;
afterEach(() => roots.remove());

function enter(pid: number, inode: number): void {
  const link = join(roots.folder, `proc/${pid}/ns/net`);
  rmSync(link);
  symlinkSync(`net:[${inode}]`, link);
}

test('NetnsMemory asks a new process in each list, an old one in one of ten', () => {
  roots = tempRoots({ 'proc/7/ns/net': '-> net:[100]' });
  const memory = new NetnsMemory(roots.proc);
  const look = (): number => {
    memory.begin();
    return memory.inodeOf(7);
  };
  assert.equal(look(), 100);
  enter(7, 200);
  assert.equal(look(), 200, 'it entered another one soon after its birth');
  for (let i = 0; i < 11; i++) look();
  enter(7, 300);
  const seen = Array.from({ length: 10 }, look);
  assert.deepEqual([seen[0], seen.at(-1)], [200, 300]);
});

test('NetnsMemory takes a pid that was missing in a list for a new process', () => {
  roots = tempRoots({ 'proc/7/ns/net': '-> net:[100]' });
  const memory = new NetnsMemory(roots.proc);
  for (let i = 0; i < 12; i++) {
    memory.begin();
    memory.inodeOf(7);
  }
  memory.begin();
  enter(7, 200);
  memory.begin();
  assert.equal(memory.inodeOf(7), 200);
});
