import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { type LiveOptions, LiveSource } from '../../../src/capture/live.ts';
import { createPacketBatch } from '../../../src/core/packet.ts';
import { loadNative } from '../../../src/native/binding.ts';
import { type Netns, NetnsLab, netnsMissing, type VethEnd } from '../../support/netns.ts';
import { waitFor } from '../../support/wait.ts';

const skip = netnsMissing();
const native = loadNative();
const lab = new NetnsLab();
after(() => lab.close());

const batch = createPacketBatch(256, 1 << 18);

function capture(end: VethEnd): LiveSource {
  const options: LiveOptions = {
    device: end.name,
    filter: 'udp port 9',
    snaplen: 2048,
    ringBytes: 1 << 20,
    timeoutMs: 10,
    promiscuous: false,
    netnsPath: end.netns.path,
  };
  return new LiveSource(native, options);
}

/** 23 datagrams to the own broadcast address: no neighbour has to answer. */
function send(netns: Netns, end: VethEnd): void {
  const script =
    `import socket\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n` +
    `s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)\n` +
    `s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b'${end.name}')\n` +
    `for i in range(23): s.sendto(b'x', ('255.255.255.255', 9))`;
  netns.exec('python3', '-c', script);
}

async function reads(source: LiveSource, packets: number): Promise<void> {
  let got = 0;
  await waitFor(
    () => {
      got += source.read(batch, 20);
      return got >= packets;
    },
    5000,
    `${packets} packets`,
  );
  got += source.read(batch, 50);
  assert.equal(got, packets);
}

/** Reads until the state is that, as a recorder does. */
function becomes(source: LiveSource, state: string): Promise<boolean> {
  const reached = (): boolean => {
    source.read(batch, 20);
    return source.state === state;
  };
  return waitFor(reached, 5000, `state ${state}, it is ${source.state} (${source.stateText})`);
}

test('an interface that goes down and comes up again is captured again', { skip }, async () => {
  const netns = lab.create();
  const [end] = lab.connect(netns, lab.create());
  const source = capture(end);
  send(netns, end);
  await reads(source, 23);

  netns.exec('ip', 'link', 'set', end.name, 'down');
  await becomes(source, 'down');
  assert.match(source.stateText, new RegExp(end.name));
  assert.equal(source.fd, -1);

  netns.exec('ip', 'link', 'set', end.name, 'up');
  await becomes(source, 'running');
  send(netns, end);
  await reads(source, 23);
  assert.ok(source.stats().received! >= 46); // more: neighbour discovery before the filter was set
  source.close();
});

test('an interface that is down for less than a poll is captured on', { skip }, async () => {
  const netns = lab.create();
  const [end] = lab.connect(netns, lab.create());
  const source = capture(end);
  netns.exec('ip', 'link', 'set', end.name, 'down');
  netns.exec('ip', 'link', 'set', end.name, 'up');
  await becomes(source, 'running');
  source.read(batch, 20);
  await becomes(source, 'running');
  send(netns, end);
  await reads(source, 23);
  source.close();
});

test('an interface that is deleted shows as gone, and is captured when one of that name is made', {
  skip,
}, async () => {
  const netns = lab.create();
  const [end] = lab.connect(netns, lab.create());
  const source = capture(end);
  const before = source.ifindex;
  send(netns, end);
  await reads(source, 23);

  netns.exec('ip', 'link', 'delete', end.name);
  await becomes(source, 'gone');
  netns.exec('ip', 'link', 'add', end.name, 'type', 'veth', 'peer', 'name', 'peer');
  netns.exec('ip', 'link', 'set', 'peer', 'up');
  netns.exec('ip', 'address', 'add', `${end.v4}/24`, 'dev', end.name);
  await becomes(source, 'down');
  netns.exec('ip', 'link', 'set', end.name, 'up');
  await becomes(source, 'running');
  assert.notEqual(source.ifindex, before);
  send(netns, end);
  await reads(source, 23);
  assert.ok(source.stats().received! >= 46); // more: neighbour discovery before the filter was set
  source.close();
});

test('a deleted namespace takes its capture away without an error', { skip }, async () => {
  const own = new NetnsLab();
  const netns = own.create();
  const [end] = own.connect(netns, lab.create());
  const source = capture(end);
  netns.exec('ip', 'link', 'delete', end.name);
  own.close();
  await becomes(source, 'gone');
  await waitFor(
    () => {
      source.read(batch, 20);
      return source.stateText.includes('no such network namespace');
    },
    5000,
    'the second attempt failed',
  );
  source.close();
});
