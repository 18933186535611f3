/** Hosts that take something away, made of files. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hostChecks } from '../../../../src/app/doctor/doctor-host.ts';
import { checkProcFd, checkProcNet, procChecks } from '../../../../src/app/doctor/doctor-proc.ts';
import { checkDatabase, checkDisk } from '../../../../src/app/doctor/doctor-store.ts';
import type { Check } from '../../../../src/core/health.ts';
import { statText, type TempRoots, tempRoots } from '../../../support/temp-roots.ts';

type Files = Readonly<Record<string, string>>;

/** @returns the line of that name on a host with these files */
function checkOn(files: Files, name: string, checks: (roots: TempRoots) => readonly Check[]): Check {
  const roots = tempRoots(files);
  try {
    const found = checks(roots).find((check) => check.name === name);
    return found ?? assert.fail(`no line ${name}`);
  } finally {
    roots.remove();
  }
}

const ofHost = (files: Files, name: string): Check => checkOn(files, name, hostChecks);
const ofProc = (files: Files, name: string): Check => checkOn(files, name, procChecks);

const SELF = `proc/${process.pid}`;
const self = (files: Files = {}): Files => ({ 'proc/self': `-> ${process.pid}`, [`${SELF}/stat`]: '', ...files });
const status = (capEff: string): Files => ({ [`${SELF}/status`]: `Name:\tx\nCapEff:\t${capEff}\n` });
const mounted = (options: string, superOptions: string): Files => ({
  [`${SELF}/mountinfo`]: `20 1 0:20 / /proc ${options} shared:2 - proc proc ${superOptions}\n`,
});

test('procChecks() accept a /proc that is read-only, by the mount or by the file system', () => {
  assert.match(ofProc(self(mounted('rw', 'rw')), 'proc').detail, /^mounted$/);
  for (const files of [mounted('ro,nosuid', 'rw'), mounted('rw', 'ro')]) {
    const check = ofProc(self(files), 'proc');
    assert.deepEqual([check.state, check.detail], ['ok', 'mounted read-only, which is enough']);
  }
});

test('procChecks() notice a /proc of another pid namespace, and one that does not show us', () => {
  const foreign = ofProc({ 'proc/self': '-> 1' }, 'proc');
  assert.equal(foreign.state, 'degraded');
  assert.match(foreign.detail, new RegExp(`shows this process as 1, it is ${process.pid}`));
  assert.match(ofProc({ 'proc/1/stat': '' }, 'proc').detail, /self is missing/);
});

test('procChecks() notice hidepid, unless this user looks through it', () => {
  const hidden = mounted('rw', 'rw,hidepid=invisible');
  const bound = ofProc(self({ ...hidden, ...status('0000000000000000') }), 'hidepid');
  assert.equal(bound.state, 'degraded');
  assert.match(bound.detail, /hidepid=invisible/);
  assert.match(bound.remedy!, /gid=/);
  assert.equal(ofProc(self({ ...hidden, ...status('000001ffffffffff') }), 'hidepid').state, 'ok');
  assert.equal(ofProc(self(mounted('rw', 'rw')), 'hidepid').detail, 'off');
});

test('procChecks() name the missing capabilities as the kernel does, and what each costs', () => {
  const none = ofProc(self(status('0000000000000000')), 'capabilities');
  for (const name of ['CAP_NET_RAW', 'CAP_SYS_PTRACE', 'CAP_DAC_READ_SEARCH', 'CAP_BPF', 'CAP_PERFMON']) {
    assert.ok(none.detail.includes(name), name);
  }
  assert.match(none.loss!, /no live capture/);
  assert.match(none.loss!, /the user, not the process/);
  assert.match(none.remedy!, /setpriv/);
  const onlyRaw = ofProc(self(status('0000000000002000')), 'capabilities'); // bit 13
  assert.doesNotMatch(onlyRaw.detail, /CAP_NET_RAW/);
  assert.doesNotMatch(onlyRaw.loss!, /capture/);
  assert.equal(ofProc(self(status('000001ffffffffff')), 'capabilities').state, 'ok');
  assert.match(ofProc(self(), 'capabilities').detail, /does not show/);
});

test('checkProcNet() is missing where /proc is not mounted', () => {
  const { proc, remove } = tempRoots({ 'proc/thread-self/net/tcp': '', 'proc/thread-self/net/icmp': '' });
  assert.equal(checkProcNet(proc).detail, 'tcp icmp');
  remove();
  assert.equal(checkProcNet(proc).state, 'missing');
});

test('checkProcFd() counts processes, and is missing where none can be seen', () => {
  const { proc, remove } = tempRoots({
    'proc/1/stat': statText(1, 'init'),
    'proc/1/fd/3': '-> socket:[5]',
    'proc/2/stat': statText(2, 'b'),
    'proc/2/fd/0': '-> /dev/null',
  });
  assert.match(checkProcFd(proc).detail, /all 2 processes/);
  remove();
  assert.equal(checkProcFd(proc).state, 'missing');
});

test('hostChecks() notice a container, and what the kernel lacks', () => {
  const inside = ofHost({ 'root/.dockerenv': '' }, 'host');
  assert.equal(inside.state, 'degraded');
  assert.match(inside.detail, /\.dockerenv/);
  assert.equal(ofHost({}, 'host').state, 'ok');
  for (const name of ['ipv6', 'btf', 'cgroup2']) assert.equal(ofHost({}, name).state, 'degraded', name);
  assert.equal(ofHost({ 'proc/net/if_inet6': '' }, 'ipv6').state, 'ok');
  assert.equal(ofHost({ 'sys/kernel/btf/vmlinux': 'x' }, 'btf').state, 'ok');
  const cgroup2 = { 'proc/self/mountinfo': '1 0 0:1 / /sys/fs/cgroup rw - cgroup2 none rw\n' };
  assert.equal(ofHost(cgroup2, 'cgroup2').detail, '/sys/fs/cgroup');
});

test('hostChecks() notice a lockdown that forbids to read the kernel', () => {
  const at = (text: string): Check => ofHost({ 'sys/kernel/security/lockdown': text }, 'lockdown');
  assert.equal(at('none [integrity] confidentiality\n').state, 'ok');
  assert.equal(at('none integrity [confidentiality]\n').state, 'degraded');
});

test('hostChecks() notice each way of denying user namespaces', () => {
  const at = (path: string, value: string): Check => ofHost({ [`proc/sys/${path}`]: value }, 'user-namespaces');
  assert.equal(at('user/max_user_namespaces', '0\n').state, 'degraded');
  assert.match(at('kernel/unprivileged_userns_clone', '0\n').detail, /unprivileged_userns_clone/);
  assert.match(at('kernel/apparmor_restrict_unprivileged_userns', '1\n').detail, /apparmor/);
  assert.equal(at('kernel/unprivileged_userns_clone', '1\n').state, 'ok');
});

test('checkDatabase() finds the driver, checkDisk() a folder that can be written', () => {
  assert.match(checkDatabase().detail, /^SQLite 3\./);
  const { folder, remove } = tempRoots({ 'proc/x': '' });
  assert.ok(checkDisk(`${folder}/not/yet`).detail.endsWith(` in ${folder}`));
  remove();
  assert.match(checkDisk('/proc/nothing').detail, /\/proc/); // full, and nothing can be made in it
  assert.equal(checkDisk('/proc/nothing').state, 'degraded');
});
