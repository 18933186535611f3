import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { ProcFs } from '../../../src/linux/proc-fs.ts';
import * as system from '../../../src/linux/system.ts';

const made: string[] = [];
after(() => {
  for (const folder of made) rmSync(folder, { recursive: true });
});

/** Roots below a new folder with these files: 'proc/1/sched', 'sys/...', 'root/.dockerenv'. */
function roots(files: Readonly<Record<string, string>> = {}): system.Roots {
  const folder = mkdtempSync(join(tmpdir(), 'system-'));
  made.push(folder);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  const at = (name: string): ProcFs => new ProcFs(join(folder, name));
  return { proc: at('proc'), sys: at('sys'), root: at('root') };
}

const recorded = { ...roots(), proc: new ProcFs('test/fixtures/proc/basic') };

test('the readers of system.ts read a recorded host', () => {
  assert.equal(system.readBootId(recorded), '0f1e2d3c-4b5a-4697-8877-665544332211');
  assert.equal(system.readHostName(recorded), 'testhost');
  assert.equal(system.readKernelRelease(recorded), '6.18.44-test');
  assert.equal(system.readUserNamespacesMax(recorded), 96365);
});

test('the readers of system.ts say null or false where nothing is', () => {
  const nothing = roots();
  for (const read of [
    system.readBootId,
    system.readHostName,
    system.readKernelRelease,
    system.readHidepid,
    system.readCgroup2Mount,
    system.readLockdown,
    system.readUserNamespacesMax,
    system.findContainerSign,
  ]) {
    assert.equal(read(nothing), null, read.name);
  }
  for (const has of [system.hasBtf, system.hasIpv6]) assert.equal(has(nothing), false, has.name);
});

test('readHidepid() and readCgroup2Mount() read the mount table', () => {
  const hidden = { ...roots(), proc: new ProcFs('test/fixtures/proc/hidepid') };
  assert.equal(system.readHidepid(hidden), 'invisible');
  assert.equal(system.readCgroup2Mount(hidden), '/sys/fs/cgroup/unified');
});

test('readLockdown() reads the mode in brackets', () => {
  const at = (text: string): string | null => system.readLockdown(roots({ 'sys/kernel/security/lockdown': text }));
  assert.equal(at('none [integrity] confidentiality\n'), 'integrity');
  assert.equal(at('[none] integrity confidentiality\n'), 'none');
  assert.equal(at('integrity\n'), null);
});

test('hasBtf() and hasIpv6() see files', () => {
  const all = roots({
    'sys/kernel/btf/vmlinux': '\x9f\xeb',
    'proc/net/if_inet6': '',
  });
  assert.deepEqual([system.hasBtf(all), system.hasIpv6(all)], [true, true]);
});

const SIGNS: readonly (readonly [Readonly<Record<string, string>>, string | null])[] = [
  [{ 'root/.dockerenv': '' }, '/.dockerenv'],
  [{ 'root/run/.containerenv': '' }, '/run/.containerenv'],
  [{ 'root/run/systemd/container': 'systemd-nspawn\n' }, '/run/systemd/container: systemd-nspawn'],
  [{ 'proc/1/cgroup': '0::/docker/0123\n' }, 'control group of pid 1: /docker/0123'],
  [{ 'proc/1/cgroup': '0::/init.scope\n', 'proc/1/sched': 'systemd (1, #threads: 1)\n---\n' }, null],
  [{ 'proc/1/sched': 'bash (4711, #threads: 1)\n---\n' }, 'pid 1 is 4711 on the host'],
  [{ 'proc/1/sched': 'a (7, #threads (1, #threads: 1)\n---\n' }, null],
];

for (const [files, sign] of SIGNS) {
  test(`findContainerSign() says ${sign} of ${Object.keys(files).join(' and ')}`, () => {
    assert.equal(system.findContainerSign(roots(files)), sign);
  });
}
