import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hidepidOf, mountPointOf, parseMountInfo } from '../../../src/linux/mount-info.ts';

const line = (mountPoint: string, type: string, options: string, optional = ' shared:1'): string =>
  `36 35 98:0 / ${mountPoint} rw,noatime${optional} - ${type} source ${options}\n`;

test('parseMountInfo() reads lines with none, one and several optional fields', () => {
  const text =
    line('/a', 'ext3', 'rw', '') + line('/b', 'ext4', 'rw,x=1') + line('/c', 'proc', 'ro', ' shared:1 master:2');
  assert.deepEqual(parseMountInfo(text), [
    { mountPoint: '/a', fileSystem: 'ext3', superOptions: ['rw'] },
    { mountPoint: '/b', fileSystem: 'ext4', superOptions: ['rw', 'x=1'] },
    { mountPoint: '/c', fileSystem: 'proc', superOptions: ['ro'] },
  ]);
});

test('parseMountInfo() decodes octal escapes and leaves out what is no mount', () => {
  const text = `nonsense\n${line('/a\\040b\\134c', 'ext4', 'rw')}36 35 98:0 /\n`;
  assert.deepEqual(
    parseMountInfo(text).map((mount) => mount.mountPoint),
    ['/a b\\\\c'], // the backslash is doubled, as in all hostile text
  );
});

test('mountPointOf() finds the first mount of a type', () => {
  const mounts = parseMountInfo(line('/x', 'cgroup', 'rw') + line('/y', 'cgroup2', 'rw') + line('/z', 'cgroup2', 'rw'));
  assert.equal(mountPointOf(mounts, 'cgroup2'), '/y');
  assert.equal(mountPointOf(mounts, 'bpf'), null);
});

test('hidepidOf() knows numbers and words, and takes the mount that covers the others', () => {
  const of = (...options: string[]): string | null =>
    hidepidOf(parseMountInfo(options.map((option) => line('/proc', 'proc', option)).join('')));
  assert.equal(of('rw'), 'off');
  assert.equal(of('rw,hidepid=0'), 'off');
  assert.equal(of('rw,gid=4,hidepid=2'), 'invisible');
  assert.equal(of('rw,hidepid=noaccess'), 'noaccess');
  assert.equal(of('rw,hidepid=4'), 'ptraceable');
  assert.equal(of('rw,hidepid=2', 'rw'), 'off');
  assert.equal(of('rw,hidepid=constructor'), null);
  assert.equal(of(), null);
});
