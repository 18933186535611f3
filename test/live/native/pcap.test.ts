import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { type LiveOptions, LiveSource } from '../../../src/capture/live.ts';
import { createPacketBatch, LinkType } from '../../../src/core/packet.ts';
import { loadNative, type PcapHandle } from '../../../src/native/binding.ts';
import { startChild } from '../../support/child.ts';
import { NetnsLab, netnsMissing } from '../../support/netns.ts';
import { waitFor } from '../../support/wait.ts';

const skip = netnsMissing();
const native = loadNative();
const lab = new NetnsLab();
after(() => lab.close());

const base: Omit<LiveOptions, 'device' | 'netnsPath'> = {
  filter: 'udp port 9',
  snaplen: 2048,
  ringBytes: 1 << 20,
  timeoutMs: 10,
  promiscuous: false,
};

/** `count` datagrams to a fixed address; the length of number i is i octets. */
const sender = (address: string, count: number): string =>
  `import socket\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n` +
  `for i in range(${count}): s.sendto(b'x' * i, ('${address}', 9))`;

/** Reads until `count` packets came or five seconds passed, and then a little longer for one too many. */
function readPackets(source: LiveSource, count: number): { lengths: number[]; seconds: number[] } {
  const batch = createPacketBatch(64, 1 << 18);
  const lengths: number[] = [];
  const seconds: number[] = [];
  const end = performance.now() + 5000;
  while (lengths.length < count && performance.now() < end) append(source.read(batch, 50));
  append(source.read(batch, 50));
  return { lengths, seconds };

  function append(read: number): void {
    for (let i = 0; i < read; i++) {
      assert.equal(batch.capLen[i], batch.origLen[i]);
      lengths.push(batch.origLen[i]!);
      seconds.push(batch.sec[i]! + batch.nsec[i]! / 1e9);
    }
  }
}

test('a capture counts 23 datagrams as tcpdump does, with the same lengths and times', { skip }, async () => {
  const [a, b] = [lab.create(), lab.create()];
  const [here, there] = lab.connect(a, b);
  const tcpdump = startChild(
    b.command('tcpdump', '-i', there.name, '-w', '-', '-U', '-c', '23', '--immediate-mode', 'udp port 9'),
  );
  await waitFor(() => tcpdump.err().includes('listening on'), 10_000, 'tcpdump listens');
  const source = new LiveSource(native, { ...base, device: there.name, netnsPath: b.path });
  const startedS = Date.now() / 1000 - 1;
  a.exec('python3', '-c', sender(there.v4, 23));
  const { lengths, seconds } = readPackets(source, 23);
  const { err } = await tcpdump.done;

  assert.deepEqual(
    lengths,
    Array.from({ length: 23 }, (_, i) => 14 + 20 + 8 + i),
  );
  assert.match(err, /^23 packets captured$/m);
  assert.ok(seconds.every((second, i) => second >= (seconds[i - 1] ?? startedS) && second < Date.now() / 1000 + 1));
  assert.equal(source.linkType, LinkType.Ethernet);
  const ifindex = Number(b.exec('cat', `/sys/class/net/${there.name}/ifindex`));
  assert.equal(source.ifindex, ifindex);
  const { received, kernelDrops } = source.stats();
  assert.ok(received! >= 23 && received! < 40, `${received}`); // more: neighbour discovery before the filter was set
  assert.equal(kernelDrops, 0);
  source.close();
  assert.equal(here.netns, a);
});

test('`any` gives SLL2 headers with the interface of each packet', { skip }, () => {
  const netns = lab.create();
  const source = new LiveSource(native, { ...base, device: 'any', netnsPath: netns.path });
  netns.exec('python3', '-c', sender('127.0.0.1', 23));
  const { lengths } = readPackets(source, 23);
  assert.equal(source.linkType, LinkType.LinuxSll2);
  assert.deepEqual(
    lengths,
    Array.from({ length: 23 }, (_, i) => 20 + 20 + 8 + i),
  );
  source.close();
});

test('packets are cut at the snaplen and keep their length on the wire', { skip }, () => {
  const netns = lab.create();
  const source = new LiveSource(native, { ...base, device: 'lo', snaplen: 60, netnsPath: netns.path });
  netns.exec('python3', '-c', sender('127.0.0.1', 101));
  const batch = createPacketBatch(7, 7 * 60); // many small batches: none may be lost between them
  let packets = 0;
  const end = performance.now() + 5000;
  while (packets < 101 && performance.now() < end) {
    const read = source.read(batch, 50);
    for (let i = 0; i < read; i++) {
      assert.equal(batch.origLen[i], 14 + 20 + 8 + packets + i);
      assert.equal(batch.capLen[i], Math.min(60, batch.origLen[i]!));
      assert.ok(batch.offset[i]! + batch.capLen[i]! <= batch.bytes.length);
    }
    packets += read;
  }
  assert.equal(packets, 101);
  source.close();
});

test('what the ring cannot hold is counted as kernel drops', { skip }, async () => {
  const netns = lab.create();
  const source = new LiveSource(native, { ...base, device: 'lo', ringBytes: 1 << 16, netnsPath: netns.path });
  const script =
    `import socket\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n` +
    `for i in range(2000): s.sendto(b'x' * 1000, ('127.0.0.1', 9))`;
  netns.exec('python3', '-c', script);
  const batch = createPacketBatch(4096, 8 << 20);
  let packets = 0;
  for (let read = 1; read > 0; packets += read) read = source.read(batch, 100);
  const { received, kernelDrops } = source.stats();
  assert.ok(kernelDrops! > 0);
  // On lo the kernel shows each packet twice and libpcap leaves the outgoing one out.
  assert.ok(received! >= 4000 && received! < 4010, `${received}`);
  assert.ok(packets < 2000 && packets >= (received! - kernelDrops!) / 2 - 1, `${packets} read, ${kernelDrops} dropped`);
  source.close();
});

test('opening and closing 200 times leaves no descriptor, mapping or memory behind', { skip }, () => {
  const once = (): void => {
    const handle: PcapHandle = native.pcapOpen('lo', 'udp', 2048, 1 << 20, 10, 0, '');
    native.pcapClose(handle);
    native.pcapClose(handle);
  };
  const state = () => ({
    fds: readdirSync('/proc/self/fd').length,
    maps: readFileSync('/proc/self/maps', 'utf8').split('\n').length,
    bytes: process.memoryUsage.rss(),
  });
  for (let i = 0; i < 20; i++) once();
  const before = state();
  for (let i = 0; i < 200; i++) once();
  const later = state();
  assert.equal(later.fds, before.fds);
  assert.ok(later.maps < before.maps + 20, `${before.maps} then ${later.maps} mappings`);
  assert.ok(later.bytes < before.bytes + (20 << 20), `${before.bytes} then ${later.bytes} octets`); // rings: 200 MiB
});
