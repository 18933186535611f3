import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { examine, startChecks } from '../../../../src/app/doctor/doctor.ts';
import { SOURCE_NAMES } from '../../../../src/app/record/observe/open-sources.ts';
import { UserError } from '../../../../src/core/errors.ts';
import type { Check } from '../../../../src/core/health.ts';
import { type FakeKernel, fakeNative } from '../../../support/fake-native.ts';
import { statText, tempRoots } from '../../../support/temp-roots.ts';

const ENOENT = -2;
const EPERM = -1;
const pid = String(process.pid);
const healthy = tempRoots({
  'proc/self': `-> ${pid}`,
  [`proc/${pid}/stat`]: statText(process.pid, 'node'),
  [`proc/${pid}/status`]: 'Uid:\t0\t0\t0\t0\nCapEff:\t000001ffffffffff\n',
  [`proc/${pid}/mountinfo`]: '1 0 0:5 / /proc rw - proc proc rw\n2 0 0:6 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n',
  [`proc/${pid}/fd/0`]: '-> /dev/null',
  [`proc/${pid}/net/tcp`]: '',
  [`proc/${pid}/net/if_inet6`]: '',
  'proc/thread-self': `-> ${pid}`,
  'proc/net': '-> self/net',
  'proc/sys/user/max_user_namespaces': '1000\n',
  'proc/sys/kernel/osrelease': '6.1.0\n',
  'sys/kernel/btf/vmlinux': 'BTF ',
  'sys/kernel/security/lockdown': '[none] integrity confidentiality\n',
  'root/etc': '',
});
after(() => healthy.remove());

const checksOf = (kernel: FakeKernel): readonly Check[] =>
  examine(() => fakeNative(kernel), healthy, { wanted: SOURCE_NAMES }, healthy.folder);

function one(checks: readonly Check[], name: string): Check {
  const found = checks.filter((check) => check.name === name);
  assert.equal(found.length, 1, `${found.length} lines for ${name}`);
  return found[0]!;
}

function throwing(code: string, message: string): () => never {
  return () => {
    throw new UserError(code, message, 'Do this.');
  };
}

test('examine() finds nothing wrong on a host where everything works', () => {
  const checks = checksOf({});
  assert.deepEqual(
    checks.filter(({ state, name }) => state !== 'ok' && name !== 'disk'),
    [],
  );
  for (const { loss, remedy } of checks.filter(({ state }) => state === 'ok'))
    assert.deepEqual([loss, remedy], [null, null]);
});

test('examine() says of every line that is not ok what is lost', () => {
  const refused: FakeKernel = {
    open: () => EPERM,
    more: { pcapOpen: throwing('no-capture-right', 'no right to capture'), pcapVersion: () => 'x' },
  };
  for (const check of checksOf(refused)) {
    if (check.state !== 'ok') assert.ok(check.loss !== null && check.loss !== '', check.name);
  }
});

test('examine() without an addon goes on with what needs none', () => {
  const checks = examine(
    throwing('no-addon', 'the addon is missing'),
    healthy,
    { wanted: SOURCE_NAMES },
    healthy.folder,
  );
  const addon = one(checks, 'addon');
  assert.deepEqual([addon.state, addon.detail, addon.remedy], ['missing', 'the addon is missing', 'Do this.']);
  assert.equal(one(checks, 'proc-net').state, 'ok');
  assert.equal(one(checks, 'capabilities').state, 'ok');
  assert.ok(!checks.some(({ name }) => name === 'diag' || name === 'capture'));
});

test('examine() without libpcap does not try a capture', () => {
  const more = { pcapVersion: throwing('no-libpcap', 'libpcap cannot be loaded'), pcapOpen: assert.fail };
  const checks = checksOf({ more });
  assert.equal(one(checks, 'libpcap').state, 'missing');
  assert.ok(!checks.some(({ name }) => name === 'capture'));
});

test('examine() reports a capture that may not start', () => {
  const more = { pcapOpen: throwing('no-capture-right', 'socket: Operation not permitted') };
  const capture = one(checksOf({ more }), 'capture');
  assert.deepEqual([capture.state, capture.detail], ['missing', 'socket: Operation not permitted']);
});

test('examine() lets a bug through', () => {
  const more = {
    pcapOpen: () => {
      throw new TypeError('a bug');
    },
  };
  assert.throws(() => checksOf({ more }), TypeError);
});

test('examine() names the protocols that sock_diag refuses, with the errno', () => {
  const refuse = (...protocols: number[]): Check => {
    const dump = (request: Uint8Array): number => (request[16] === 2 && protocols.includes(request[17]!) ? ENOENT : 0);
    return one(checksOf({ dump }), 'diag');
  };
  const raw = refuse(255);
  assert.equal(raw.state, 'ok');
  assert.match(raw.detail, /^tcp udp udplite unix packet netlink; .*raw \(ENOENT\)$/);
  const udp = refuse(17);
  assert.equal(udp.state, 'degraded');
  assert.match(udp.remedy!, /modprobe .*udp_diag/);
  assert.equal(one(checksOf({ dump: () => ENOENT }), 'diag').state, 'missing');
});

test('examine() names the errno with which netlink is refused', () => {
  const checks = checksOf({ open: (_, netnsPath) => (netnsPath === '' ? -93 : EPERM) });
  assert.match(one(checks, 'diag').detail, /EPROTONOSUPPORT/);
  assert.match(one(checks, 'route').detail, /EPROTONOSUPPORT/);
  assert.match(one(checks, 'netns').detail, /EPERM/);
  const noLinks = checksOf({ dump: (request) => (request[4] === 18 ? EPERM : 0) }); // RTM_GETLINK
  assert.match(one(noLinks, 'route').detail, /EPERM/);
});

test('examine() for a recording leaves out what costs it nothing, and sources that are not wanted', () => {
  const checks = examine(() => fakeNative({ open: () => EPERM }), healthy, { wanted: ['proc'] });
  assert.ok(!checks.some(({ name }) => ['netns', 'database', 'disk'].includes(name)));
  assert.equal(one(checks, 'diag').detail, 'left out by --sources');
  assert.equal(one(checks, 'proc-net').state, 'ok');
});

test('examine() says once what refuses BPF, and what is lost without it', () => {
  const refuse = (): never => {
    throw new UserError('no-bpf', 'no BPF program can be used: EPERM', 'Run as root.');
  };
  const native = { ...fakeNative({}), bpfOpen: refuse };
  const refused = examine(() => native, healthy, { wanted: SOURCE_NAMES });
  const leftOut = examine(() => native, healthy, { wanted: ['diag', 'proc'] });
  for (const checks of [refused, leftOut]) {
    assert.match(one(checks, 'bpf').loss!, /stay without a process/);
    assert.deepEqual([one(checks, 'cgroup').loss, one(checks, 'cgroup').remedy], ['see bpf', null]);
  }
  assert.deepEqual([one(refused, 'bpf').remedy, one(refused, 'cgroup').state], ['Run as root.', 'missing']);
  assert.equal(one(leftOut, 'cgroup').detail, 'left out by --sources');
});

test('startChecks() keeps every layer, and what costs a recording something', () => {
  const check = (state: Check['state'], loss: string | null): Check => ({
    name: 'x',
    state,
    detail: '',
    loss,
    remedy: null,
  });
  const lost = check('missing', 'all of it');
  assert.deepEqual(startChecks([check('ok', null), lost, check('degraded', null)]), [lost]);
  const { proc, remove } = tempRoots({});
  const bare = { ...healthy, sys: proc }; // no lockdown
  const layers = startChecks(examine(() => fakeNative({}), bare, { wanted: SOURCE_NAMES }));
  assert.deepEqual(
    layers.map(({ name, state }) => `${name} ${state}`),
    [
      'bpf ok',
      'cgroup ok',
      'diag ok',
      'proc-connector ok',
      'socket-ends ok',
      'conntrack ok',
      'proc-net ok',
      'proc-fd ok',
    ],
  );
  remove();
});
