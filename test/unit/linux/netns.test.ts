import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { listNetns } from '../../../src/linux/netns.ts';
import { ProcFs } from '../../../src/linux/proc-fs.ts';
import { type TempRoots, tempRoots } from '../../support/temp-roots.ts';

let roots: TempRoots;
afterEach(() => roots.remove());

test('listNetns() gives each namespace once, with a process inside and a way to it', () => {
  roots = tempRoots({
    'proc/1/ns/net': '-> net:[4026531840]',
    'proc/2/ns/net': '-> net:[4026531840]',
    'proc/30/ns/net': '-> net:[4026532500]',
    'proc/31/comm': 'no right to read its namespace',
  });
  const found = listNetns(roots.proc, new ProcFs(join(roots.folder, 'names')));
  assert.deepEqual(
    [...found.values()].map(({ inode, pid, name, path }) => [inode, pid, name, path.replace(roots.folder, '')]),
    [
      [4026531840, 1, null, '/proc/1/ns/net'],
      [4026532500, 30, null, '/proc/30/ns/net'],
    ],
  );
});

test('listNetns() knows the names of ip-netns(8), also of a namespace without a process', () => {
  roots = tempRoots({ 'proc/version': '', 'names/bl\u00fce': '', 'names/red': '' });
  const names = join(roots.folder, 'names');
  const red = statSync(join(names, 'red')).ino;
  const found = listNetns(roots.proc, new ProcFs(names));
  assert.deepEqual([...found.values()].map(({ name }) => name).sort(), ['bl\u00fce', 'red']);
  assert.deepEqual(found.get(red), { inode: red, pid: 0, name: 'red', path: `${names}/red` });
});
