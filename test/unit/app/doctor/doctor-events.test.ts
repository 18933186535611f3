import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkConntrack, checkProcConnector, checkSocketEnds } from '../../../../src/app/doctor/doctor-events.ts';
import type { KernelLayer, KernelPrograms } from '../../../../src/app/record/kernel-programs.ts';
import { UserError } from '../../../../src/core/errors.ts';
import type { Native } from '../../../../src/native/binding.ts';
import { fakeNative } from '../../../support/fake-native.ts';

const [EPERM, EINVAL, ECONNREFUSED] = [-1, -22, -111];
const programs = (layer: KernelLayer): KernelPrograms => ({ layer }) as KernelPrograms;
const refused = new UserError('no-bpf', 'no', 'Do this.');

/** A kernel that answers a subscription. */
function subscribing(): Native {
  const ack = new Uint8Array(76); // struct nlmsghdr, cn_msg and proc_event with error 0
  new DataView(ack.buffer).setUint32(0, ack.length, true);
  ack.set([1, 0, 0, 0, 1, 0, 0, 0], 16);
  ack[32] = 40;
  const netlinkReceive: Native['netlinkReceive'] = (_fd, into) => {
    into.set(ack);
    return ack.length;
  };
  return fakeNative({ more: { netlinkReceive } });
}

test('checkProcConnector() says that it is active where it is the best there is', () => {
  for (const outcome of [null, refused, programs('cgroup')]) {
    const check = checkProcConnector(subscribing(), outcome, ['diag', 'proc']);
    assert.deepEqual([check.state, check.detail.split(':')[0]], ['ok', 'active']);
  }
});

test('checkProcConnector() says that it stands by where bpf tells more, refused or not', () => {
  const check = checkProcConnector(subscribing(), programs('bpf'), ['bpf']);
  assert.deepEqual([check.state, check.detail], ['ok', 'standby: bpf tells more']);
  const without = checkProcConnector(fakeNative({ open: () => ECONNREFUSED }), programs('bpf'), ['bpf']);
  assert.deepEqual([without.state, without.detail], ['ok', 'standby: bpf tells more; refused: ECONNREFUSED']);
});

test('checkProcConnector() names the errno, the loss and what helps where it is missed', () => {
  const forbidden = checkProcConnector(fakeNative({ open: () => EPERM }), null, ['diag']);
  assert.deepEqual([forbidden.state, forbidden.detail], ['degraded', 'refused: EPERM']);
  assert.match(forbidden.loss!, /shorter than a scan/);
  assert.match(forbidden.remedy!, /CAP_NET_ADMIN/);
  const silent = checkProcConnector(fakeNative({}), null, ['diag']); // nobody acknowledges
  assert.equal(silent.detail, 'refused: ETIMEDOUT');
  assert.match(silent.remedy!, /pid namespace/);
});

test('checkProcConnector() is left out with the source that it belongs to', () => {
  assert.equal(checkProcConnector(subscribing(), null, ['proc']).detail, 'left out by --sources');
});

test('checkSocketEnds() asks for the groups that a recording joins, and says what they tell', () => {
  const joined: number[] = [];
  const netlinkOpen: Native['netlinkOpen'] = (_family, groups) => {
    joined.push(groups);
    return 7;
  };
  const native = fakeNative({ more: { netlinkOpen } });
  assert.match(checkSocketEnds(native, refused, ['bpf', 'diag']).detail, /^active: .*when sockets end/);
  assert.match(checkSocketEnds(native, programs('bpf'), ['bpf', 'diag']).detail, /^active: .*what connections carried/);
  assert.deepEqual(joined, [0b1111, 0b0101]);
  assert.equal(checkSocketEnds(native, null, ['proc']).detail, 'left out by --sources');
});

test('checkSocketEnds() says what is lost where it is refused: less where programs tell of ends', () => {
  const native = fakeNative({ open: () => EPERM });
  const check = checkSocketEnds(native, null, ['diag']);
  assert.deepEqual([check.state, check.detail], ['degraded', 'refused: EPERM']);
  assert.match(check.loss!, /by the count of the kernel; a port that two processes use/);
  assert.doesNotMatch(checkSocketEnds(native, programs('cgroup'), ['diag']).loss!, /two processes/);
});

test('checkConntrack() tells a missing right from a kernel without NAT', () => {
  assert.match(checkConntrack(fakeNative({})).detail, /^active/);
  const forbidden = checkConntrack(fakeNative({ open: () => EPERM }));
  assert.deepEqual([forbidden.state, forbidden.detail], ['degraded', 'refused: EPERM']);
  assert.match(forbidden.loss!, /NAT/);
  const untracked = checkConntrack(fakeNative({ dump: () => EINVAL }));
  assert.deepEqual([untracked.state, untracked.loss], ['ok', null]);
  assert.match(untracked.detail, /^refused: EINVAL; /);
});
