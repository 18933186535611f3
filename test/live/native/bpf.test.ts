/** The BPF programs: who owns which socket, seen on the bytes of their rings and compared with what a workload did. */
import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { OwnerEvidence } from '../../../src/core/socket.ts';
import { loadNative } from '../../../src/native/binding.ts';
import { BpfProbe, bpfMissing, type ProbedSocket } from '../../support/bpf-probe.ts';
import { type Child, killChildren, startChild } from '../../support/child.ts';
import { type Netns, NetnsLab, netnsMissing } from '../../support/netns.ts';
import { waitFor } from '../../support/wait.ts';

const WORKLOAD = join('test', 'live', 'native', 'bpf_workload.py');
const REPEAT = 20;
const SHARED = 4; // enum socket_flags
const LISTENS = 2;

const skip = bpfMissing() || netnsMissing();
const native = loadNative();
const lab = new NetnsLab();
after(() => lab.close());
after(killChildren);

interface Truth {
  readonly scenario: string;
  readonly protocol: number;
  readonly pid: number;
  readonly local: string;
  readonly remote: string;
}

const inodeOf = (netns: Netns): number => statSync(netns.path).ino;
const workload = (netns: Netns, ...words: string[]): Child => startChild(netns.command('python3', WORKLOAD, ...words));
const lines = (child: Child): string[] => child.out().split('\n').slice(0, -1);

/** Whoever acted last on the one socket of the tuple. */
function ownerOf(events: readonly ProbedSocket[], { protocol, local, remote }: Truth): string {
  const ofTuple = events.filter((e) => e.protocol === protocol && e.local === local && e.remote === remote);
  const cookies = new Set(ofTuple.map(({ cookie }) => cookie));
  if (cookies.size !== 1) return `${cookies.size} sockets`;
  const named = events.filter((e) => cookies.has(e.cookie) && e.pid !== 0);
  const best = named.filter((e) => e.evidence === OwnerEvidence.Transfer).at(-1) ?? named.at(-1);
  return best === undefined ? 'nobody' : String(best.pid);
}

test('every end of every socket is named with the process that used it', { skip }, async () => {
  const netns = lab.create();
  const child = workload(netns, 'sockets', String(REPEAT));
  await waitFor(() => lines(child).length > 0, 10_000, 'the workload to be ready');
  const probe = new BpfProbe();
  probe.holders(); // names the owners of what is open
  process.kill((JSON.parse(lines(child)[0]!) as { ready: number }).ready, 'SIGUSR1');
  const { err } = await child.done;
  const events = probe.sockets().filter((event) => event.netns === inodeOf(netns));
  assert.deepEqual(probe.lost(), [0, 0], err);
  probe.close();
  const truth = lines(child)
    .slice(1)
    .map((line) => JSON.parse(line) as Truth);
  assert.equal(truth.length, REPEAT * 21 + 2, err);
  const wrong = truth.filter((end) => ownerOf(events, end) !== String(end.pid));
  assert.deepEqual(
    wrong.map((end) => ({ ...end, owner: ownerOf(events, end) })),
    [],
  );
});

test('events carry namespace, start, evidence, and the end of each socket', { skip }, async () => {
  const netns = lab.create();
  const probe = new BpfProbe();
  const { code, out } = await startChild(netns.command('python3', '-c', SMALL)).done;
  assert.equal(code, 0);
  const all = probe.sockets();
  const events = all.filter((event) => event.netns === inodeOf(netns));
  probe.close();
  const { pid, start } = JSON.parse(out) as { pid: number; start: number };
  const tcp = events.filter(({ protocol }) => protocol === 6);
  assert.deepEqual(
    tcp.map(({ kind, evidence, flags }) => [kind, evidence, flags]),
    [
      ['owner', OwnerEvidence.Created, LISTENS],
      ['seen', OwnerEvidence.Called, 1], // the client's SYN
      ['seen', OwnerEvidence.None, 0], // accepted by the kernel
      ['owner', OwnerEvidence.Transfer, 0], // read by the server; the client's send is no news
    ],
  );
  for (const event of tcp.filter(({ evidence }) => evidence !== OwnerEvidence.None)) {
    assert.deepEqual([event.pid, event.startTicks, event.uid, event.previous], [pid, start, 0, 0]);
    assert.equal(event.netnsCookie, native.netnsCookie(netns.path));
  }
  const closed = all.filter(({ kind }) => kind === 'closed').map(({ cookie }) => cookie);
  for (const { cookie } of tcp) assert.ok(closed.includes(cookie), 'its end was told');
});

const SMALL = `
import json, os, socket
listener = socket.socket(); listener.bind(("127.0.0.1", 0)); listener.listen()
client = socket.create_connection(listener.getsockname()); accepted, _ = listener.accept()
client.send(b"x"); accepted.recv(1)
for s in (client, accepted, listener): s.close()
print(json.dumps({"pid": os.getpid(), "start": int(open("/proc/self/stat").read().rsplit(")", 1)[1].split()[19])}))
`;

test('the owner before is named with a change, and taking turns does not flood the ring', { skip }, async () => {
  const netns = lab.create();
  const probe = new BpfProbe();
  const child = workload(netns, 'turns', '400');
  const { code, out, err } = await child.done;
  assert.equal(code, 0, err);
  const events = probe.sockets().filter((event) => event.netns === inodeOf(netns) && event.kind === 'owner');
  probe.close();
  const { pids } = JSON.parse(out) as { pids: number[] };
  assert.deepEqual(new Set(events.map(({ pid }) => pid)), new Set(pids));
  assert.ok(events.filter(({ previous }) => previous === OwnerEvidence.Transfer).length > 30);
  assert.ok(events.some(({ flags }) => (flags & SHARED) !== 0));
  // 64 in an epoch of 1.07 s; without a limit it were 800.
  assert.ok(events.length >= 64 && events.length < 500, `${events.length} events`);
});

test('ping is named by its id, and the kernel, which answers from a socket for each CPU, is not told', { skip }, () => {
  const netns = lab.create();
  const probe = new BpfProbe();
  for (const address of ['127.0.0.1', '::1']) netns.exec('ping', '-c', '1', address);
  const events = probe.sockets().filter((event) => event.netns === inodeOf(netns) && event.kind === 'seen');
  const pings = new Set(
    probe
      .processes()
      .filter(({ comm }) => comm === 'ping')
      .map(({ pid }) => pid),
  );
  probe.close();
  for (const [protocol, address] of [
    [1, '127.0.0.1'],
    [58, '::1'],
  ] as const) {
    const [asks, ...more] = events.filter((event) => event.protocol === protocol);
    assert.deepEqual(more, []);
    assert.match(asks!.local, new RegExp(`^${address}:[1-9]`));
    assert.deepEqual([pings.has(asks!.pid), asks!.remote], [true, `${address}:0`]);
  }
});

test('a ring without room counts what it loses, and goes on when it is read', { skip }, async () => {
  const probe = new BpfProbe({ socketRingBytes: 4096 });
  const send = `import socket
for _ in range(200): socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", 9))`;
  const netns = lab.create();
  netns.exec('python3', '-c', send);
  assert.ok(probe.sockets().length <= 4096 / 120);
  const [lost] = probe.lost();
  assert.ok(lost >= 150, `${lost} lost`); // first packets; the end of a socket that was never told is no event
  netns.exec('python3', '-c', send.replace('200', '2'));
  assert.ok(probe.sockets().some((event) => event.netns === inodeOf(netns)));
  probe.close();
});

test('a snapshot lists every holder of every internet socket, and says when it has no room', { skip }, async () => {
  const netns = lab.create();
  const child = startChild(netns.command('python3', '-c', HOLDERS));
  await waitFor(() => child.out().includes('ready'), 5000, 'the sockets');
  const probe = new BpfProbe();
  const holders = probe.holders().filter((holder) => holder.netns === inodeOf(netns));
  const [pid, forked] = child.out().split(' ').map(Number) as [number, number];
  assert.deepEqual(
    holders.filter((holder) => holder.pid === pid).map(({ protocol, local, state }) => [protocol, local, state]),
    [
      [6, '127.0.0.1:7001', 10],
      [17, '0.0.0.0:7002', 7],
      [6, '::1:7003', 10],
      [1, '0.0.0.0:0', 7],
    ],
  );
  assert.equal(holders.filter((holder) => holder.pid === forked).length, 4, 'a fork holds them as well');
  assert.deepEqual(
    probe.holders(forked).map((holder) => holder.pid),
    Array(4).fill(forked),
  );
  assert.ok(holders.every(({ inode, cookie, startTicks }) => inode > 0 && cookie > 0n && startTicks > 0));
  assert.equal(native.bpfSnapshot(probe.fds[2]!, new Uint8Array(100)), -105); // ENOBUFS
  probe.close();
});

const HOLDERS = `
import os, socket, time
def bound(family, kind, host, port, protocol=0):
    s = socket.socket(family, kind, protocol)
    if port: s.bind((host, port))
    if kind == socket.SOCK_STREAM: s.listen()
    return s
all = [bound(socket.AF_INET, socket.SOCK_STREAM, "127.0.0.1", 7001), bound(socket.AF_INET, socket.SOCK_DGRAM, "0.0.0.0", 7002),
    bound(socket.AF_INET6, socket.SOCK_STREAM, "::1", 7003), bound(socket.AF_INET, socket.SOCK_RAW, "", 0, socket.IPPROTO_ICMP)]
pid = os.fork()
if pid: print(os.getpid(), pid, "ready", flush=True)
time.sleep(60)
`;

test('netnsCookie() tells namespaces apart and says why it cannot', { skip }, () => {
  const netns = lab.create();
  const own = native.netnsCookie('');
  assert.ok(own > 0);
  assert.equal(native.netnsCookie('/proc/self/ns/net'), own);
  assert.ok(native.netnsCookie(netns.path) > 0 && native.netnsCookie(netns.path) !== own);
  assert.equal(native.netnsCookie('/run/netns/absent'), -2);
});
