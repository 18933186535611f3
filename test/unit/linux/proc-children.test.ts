import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { hasChildren } from '../../../src/linux/proc-children.ts';
import { ProcFs } from '../../../src/linux/proc-fs.ts';

test('hasChildren() sees the children of a recorded service', () => {
  assert.equal(hasChildren(new ProcFs('test/fixtures/proc/basic'), 14776), true);
});

test('hasChildren() sees a living child of this process', () => {
  const child = spawn('sleep', ['60']);
  const seen = hasChildren(new ProcFs(), process.pid);
  child.kill();
  assert.equal(seen, true);
});

test('hasChildren() asks every thread, and knows nothing where the kernel has no such file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'proc-children-'));
  const proc = new ProcFs(folder);
  for (const tid of [7, 8]) mkdirSync(join(folder, `7/task/${tid}`), { recursive: true });
  assert.equal(hasChildren(proc, 7), undefined);
  writeFileSync(join(folder, '7/task/7/children'), '');
  assert.equal(hasChildren(proc, 7), false);
  writeFileSync(join(folder, '7/task/8/children'), '12 ');
  assert.equal(hasChildren(proc, 7), true);
  assert.equal(hasChildren(proc, 9), undefined);
  rmSync(folder, { recursive: true });
});
