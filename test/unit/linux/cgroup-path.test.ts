import assert from 'node:assert/strict';
import { mkdirSync, rmdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { CgroupPaths } from '../../../src/linux/cgroup-path.ts';
import { ProcFs } from '../../../src/linux/proc-fs.ts';
import { type TempRoots, tempRoots } from '../../support/temp-roots.ts';

let roots: TempRoots;
afterEach(() => roots.remove());

const ID = 'a'.repeat(64);

function setUp() {
  roots = tempRoots({
    'cgroup/cgroup.procs': '',
    'cgroup/system.slice/ssh.service/cgroup.procs': '',
    [`cgroup/system.slice/docker-${ID}.scope/cgroup.procs`]: '',
  });
  const mount = join(roots.folder, 'cgroup');
  const clock = { nowUs: 1_000_000 };
  const idOf = (path: string): number => statSync(join(mount, path)).ino;
  return { paths: new CgroupPaths(new ProcFs(mount), () => clock.nowUs), mount, clock, idOf };
}

test('CgroupPaths finds unit and container of a group by its inode', () => {
  const { paths, idOf } = setUp();
  assert.deepEqual(paths.find(idOf('system.slice/ssh.service')), {
    path: '/system.slice/ssh.service',
    unit: 'ssh.service',
    container: null,
  });
  assert.equal(paths.find(idOf(`system.slice/docker-${ID}.scope`))?.container, ID);
  assert.equal(paths.find(idOf('.'))?.path, '/');
});

test('CgroupPaths looks again for a new group when its rest is over, not before', () => {
  const { paths, mount, clock, idOf } = setUp();
  paths.find(1);
  mkdirSync(join(mount, 'new.service'));
  assert.equal(paths.find(idOf('new.service')), undefined);
  clock.nowUs += 1_000_000;
  assert.equal(paths.find(idOf('new.service'))?.unit, 'new.service');
});

test('CgroupPaths remembers a group that was removed', () => {
  const { paths, mount, clock, idOf } = setUp();
  mkdirSync(join(mount, 'short.service'));
  const id = idOf('short.service');
  paths.find(id);
  rmdirSync(join(mount, 'short.service'));
  clock.nowUs += 10_000_000;
  paths.find(0); // walks
  assert.equal(paths.find(id)?.unit, 'short.service');
});
