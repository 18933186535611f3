/** Descriptors, netlink, clocks and notification: what needs the real kernel but no right. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { readCapabilities } from '../../../src/app/record/privileges.ts';
import { loadNative } from '../../../src/native/binding.ts';
import { startChild } from '../../support/child.ts';
import { NetnsLab, netnsMissing } from '../../support/netns.ts';
import { waitFor } from '../../support/wait.ts';

const { EAGAIN, EBADF, EINVAL, EMSGSIZE, ENOENT, EPROTONOSUPPORT } = constants.errno;
const skip = netnsMissing();
const native = loadNative();
const lab = new NetnsLab();
after(() => lab.close());

const NETLINK_ROUTE = 0;

/** RTM_GETLINK for all interfaces (NLM_F_REQUEST | NLM_F_DUMP), rtnetlink(7). */
function linkDump(sequence: number): Uint8Array {
  const message = new Uint8Array(32);
  const view = new DataView(message.buffer);
  view.setUint32(0, 32, true);
  view.setUint16(4, 18, true);
  view.setUint16(6, 0x301, true);
  view.setUint32(8, sequence, true);
  return message;
}

test('poll() marks what is ready, ignores -1, sleeps without descriptors', () => {
  const [a, b] = [native.wakeCreate(), native.wakeCreate()];
  const ready = new Uint8Array(3).fill(9);
  native.wake(b);
  native.wake(b);
  assert.equal(native.poll(Int32Array.of(a, -1, b), 3, ready, 1000), 1);
  assert.deepEqual([...ready], [0, 0, 1]);
  assert.equal(native.wakeClear(b), 0);
  assert.equal(native.wakeClear(b), 0, 'nothing to clear is no error');
  const started = performance.now();
  assert.equal(native.poll(Int32Array.of(a, b), 2, ready, 30), 0);
  assert.equal(native.poll(new Int32Array(0), 0, new Uint8Array(0), 30), 0);
  assert.ok(performance.now() - started >= 58);
  assert.equal(native.poll(Int32Array.of(a), 2, ready, 0), -EINVAL);
  assert.equal(native.closeFd(a), 0);
  assert.equal(native.poll(Int32Array.of(a), 1, ready, 1000), 1, 'a closed descriptor must not hang');
  assert.equal(native.closeFd(b), 0);
  assert.equal(native.closeFd(b), -EBADF);
});

test('netlinkRequest() gets an answer with the same sequence number', () => {
  const fd = native.netlinkOpen(NETLINK_ROUTE, 0, 1 << 20, '');
  const reply = new Uint8Array(65536);
  const octets = native.netlinkRequest(fd, linkDump(77), 32, reply, 1000);
  assert.ok(octets > 16);
  const view = new DataView(reply.buffer);
  assert.equal(view.getUint16(4, true), 16); // RTM_NEWLINK
  assert.equal(view.getUint32(8, true), 77);
  native.closeFd(fd);
});

test('netlinkReceive() reports a cut message, nothing to read, and wrong descriptors', () => {
  const fd = native.netlinkOpen(NETLINK_ROUTE, 0, 0, '');
  assert.equal(native.netlinkReceive(fd, new Uint8Array(100), 0), -EAGAIN);
  const started = performance.now();
  assert.equal(native.netlinkReceive(fd, new Uint8Array(100), 30), -EAGAIN);
  assert.ok(performance.now() - started >= 29);
  assert.equal(native.netlinkSend(fd, linkDump(1), 32), 32);
  assert.equal(native.netlinkReceive(fd, new Uint8Array(100), 1000), -EMSGSIZE);
  assert.equal(native.netlinkSend(fd, linkDump(1), 33), -EINVAL, 'longer than the array');
  native.closeFd(fd);
  assert.equal(native.netlinkReceive(fd, new Uint8Array(100), 0), -EBADF);
  assert.equal(native.netlinkOpen(31, 0, 0, ''), -EPROTONOSUPPORT);
  assert.equal(native.netlinkOpen(NETLINK_ROUTE, 0, 0, '/run/netns/absent'), -ENOENT);
});

test('netlinkOpen() joins groups, in the namespace of the path', { skip }, async () => {
  const netns = lab.create();
  const RTMGRP_LINK = 1;
  const fd = native.netlinkOpen(NETLINK_ROUTE, RTMGRP_LINK, 1 << 20, netns.path);
  const [own, other] = [new Uint8Array(65536), native.netlinkOpen(NETLINK_ROUTE, RTMGRP_LINK, 0, '')];
  netns.exec('ip', 'link', 'set', 'lo', 'down');
  assert.ok(native.netlinkReceive(fd, own, 2000) > 16);
  assert.equal(native.netlinkReceive(other, own, 0), -EAGAIN, 'the own namespace saw nothing');
  for (const each of [fd, other]) native.closeFd(each);
});

test('clocks() agrees with the clocks of the system', () => {
  const out = new Float64Array(3);
  const before = Date.now();
  assert.equal(native.clocks(out), 0);
  const [realtimeUs, boottimeUs, monotonicUs] = out as unknown as [number, number, number];
  assert.ok(realtimeUs / 1000 >= before - 1 && realtimeUs / 1000 <= Date.now() + 1);
  const uptimeS = Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]);
  assert.ok(Math.abs(boottimeUs / 1e6 - uptimeS) < 1);
  assert.ok(Math.abs(monotonicUs / 1000 - Number(process.hrtime.bigint()) / 1e6) < 100);
  assert.equal(native.clocks(new Float64Array(2)), -EINVAL);
});

test('capabilities() are those of /proc/self/status', () => {
  const status = readFileSync('/proc/self/status', 'utf8');
  const mask = (name: string): bigint => BigInt(`0x${new RegExp(`^${name}:\\s*(\\w+)`, 'm').exec(status)![1]}`);
  assert.deepEqual(readCapabilities(native), {
    effective: mask('CapEff'),
    permitted: mask('CapPrm'),
    bounding: mask('CapBnd'),
  });
});

test('sdNotify() sends one datagram, to a path and to an abstract name', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'pcapid-notify-'));
  after(() => rmSync(folder, { recursive: true }));
  for (const path of [join(folder, 'socket'), `@pcapid-test-${process.pid}`]) {
    const script =
      `import socket, sys\np = sys.argv[1]\ns = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)\n` +
      `s.bind('\\0' + p[1:] if p[0] == '@' else p)\nprint('bound', flush=True)\nprint(s.recv(100))`;
    const receiver = startChild(['python3', '-c', script, path]);
    await waitFor(() => receiver.out().includes('bound'), 10_000, 'the receiver is bound');
    assert.equal(native.sdNotify(path, 'READY=1'), 0);
    assert.match((await receiver.done).out, /b'READY=1'/);
  }
  assert.equal(native.sdNotify('', 'READY=1'), -EINVAL);
  assert.equal(native.sdNotify(join(folder, 'absent'), 'READY=1'), -ENOENT);
  assert.equal(native.sdNotify('x'.repeat(200), 'READY=1'), -EINVAL);
});
