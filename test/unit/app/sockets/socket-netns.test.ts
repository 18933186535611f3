import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { resolveNetns } from '../../../../src/app/sockets/socket-netns.ts';
import { UserError } from '../../../../src/core/errors.ts';
import { ProcFs } from '../../../../src/linux/proc-fs.ts';
import { statText, tempRoots } from '../../../support/temp-roots.ts';

const roots = tempRoots({
  'proc/self/ns/net': '-> net:[100]',
  'proc/7/stat': statText(7, 'a'),
  'proc/7/ns/net': '-> net:[200]',
  'proc/8/stat': statText(8, 'b'),
  'proc/8/ns/net': '-> net:[100]',
  'proc/9/stat': statText(9, 'c'), // its namespace may not be read
  'names/blue': '',
  'names/7': '',
});
after(() => roots.remove());
const names = new ProcFs(join(roots.folder, 'names'));
const resolve = (wanted: string | undefined) => resolveNetns(wanted, roots.proc, names);

function rejects(wanted: string): void {
  assert.throws(
    () => resolve(wanted),
    (error) => error instanceof UserError && error.code === 'no-such-netns',
    wanted,
  );
}

test('resolveNetns() means the own namespace when none is named, or a pid that is in it', () => {
  for (const own of [resolve(undefined), resolve('8')]) {
    assert.deepEqual([own.path, own.inode, own.procFolder()], ['', 100, 'thread-self/net']);
  }
});

test('resolveNetns() takes a pid, also one whose namespace may not be read', () => {
  const other = resolveNetns('7', roots.proc, new ProcFs('/nonexistent'));
  assert.deepEqual([other.path, other.inode, other.procFolder()], [`${roots.proc.root}/7/ns/net`, 200, '7/net']);
  assert.deepEqual([resolve('9').inode, resolve('9').procFolder()], [0, '9/net']);
});

test('resolveNetns() prefers a name to a pid, and finds its inode', () => {
  const named = resolve('7');
  assert.equal(named.path, join(names.root, '7'));
  assert.equal(named.inode, statSync(named.path).ino);
  assert.equal(named.procFolder(), undefined, 'no process is in it');
});

test('resolveNetns() finds a process in the namespace of a path', () => {
  const path = join(names.root, 'blue');
  const { ino } = statSync(path);
  const inside = tempRoots({ 'proc/self/ns/net': '-> net:[1]', 'proc/12/ns/net': `-> net:[${ino}]` });
  const found = resolveNetns(path, inside.proc, names);
  assert.deepEqual([found.path, found.inode, found.procFolder()], [path, ino, '12/net']);
  inside.remove();
});

test('resolveNetns() refuses what is neither, with nothing outside the folder of names', () => {
  for (const wanted of ['red', '', '.', '..', '../names/blue', 'self', '0', '12345678901', '/nonexistent', '-1']) {
    rejects(wanted);
  }
});
