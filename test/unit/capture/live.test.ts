import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type LiveOptions, LiveSource } from '../../../src/capture/live.ts';
import { UserError } from '../../../src/core/errors.ts';
import { createPacketBatch, LinkType, PacketType } from '../../../src/core/packet.ts';
import type { Native, PcapHandle } from '../../../src/native/binding.ts';

const options: LiveOptions = {
  device: 'eth7',
  filter: 'udp',
  snaplen: 100,
  ringBytes: 4096,
  timeoutMs: 10,
  promiscuous: false,
  netnsPath: '',
};

/** A kernel of the test: results of pcapRead are taken from `reads`, errors of pcapOpen from `openErrors`. */
class FakeNative {
  reads: number[] = [];
  openErrors: (UserError | undefined)[] = [];
  received = 0; // counter of the open handle
  nowUs = 5_000_000;
  opens = 0;
  closes = 0;
  waitedMs = 0;
  linkType: number = LinkType.Ethernet;

  pcapOpen(): PcapHandle {
    this.opens++;
    const error = this.openErrors.shift();
    if (error !== undefined) throw error;
    this.received = 0;
    return {} as PcapHandle;
  }
  pcapInfo(): [number, number, number, number] {
    return [40 + this.opens, this.linkType, 100, this.opens];
  }
  pcapRead(): number {
    const count = this.reads.shift() ?? 0;
    if (count > 0) this.received += count;
    return count;
  }
  pcapError(): string {
    return 'words of libpcap';
  }
  pcapStats(_handle: PcapHandle, out: Float64Array): number {
    out.set([this.received, 1, 7]);
    return 0;
  }
  pcapClose(): void {
    this.closes++;
  }
  poll(_fds: Int32Array, _count: number, _ready: Uint8Array, timeoutMs: number): number {
    this.waitedMs += timeoutMs;
    return this.reads.length > 0 ? 1 : 0;
  }
  clocks(out: Float64Array): number {
    out.set([0, 0, this.nowUs]);
    return 0;
  }
}

function start(change: Partial<LiveOptions> = {}): { fake: FakeNative; source: LiveSource } {
  const fake = new FakeNative();
  return { fake, source: new LiveSource(fake as unknown as Native, { ...options, ...change }) };
}
const batchOf = (rows: number) => createPacketBatch(rows, 1000);

test('LiveSource lets the error of the first opening through', () => {
  const fake = new FakeNative();
  fake.openErrors.push(new UserError('no-such-interface', 'm', 'h'));
  assert.throws(() => new LiveSource(fake as unknown as Native, options), { code: 'no-such-interface' });
});

test('LiveSource fills the columns that libpcap does not, for the packets read only', () => {
  const { fake, source } = start();
  const batch = batchOf(4);
  batch.pktType.fill(PacketType.Outgoing); // what a decoder left from another source
  batch.ifindex.fill(99);
  fake.reads.push(3);
  assert.equal(source.read(batch, 50), 3);
  assert.equal(batch.count, 3);
  assert.deepEqual([...batch.linkType], [1, 1, 1, 0]);
  assert.deepEqual([...batch.ifindex], [1, 1, 1, 99]);
  assert.deepEqual([...batch.pktType], [255, 255, 255, PacketType.Outgoing]);
});

test('LiveSource empties the batch when nothing came', () => {
  const { source } = start();
  const batch = batchOf(4);
  batch.count = 2;
  assert.equal(source.read(batch, 50), 0);
  assert.equal(batch.count, 0);
});

test('LiveSource reports an interface that went down and tries once a second to have it back', () => {
  const { fake, source } = start();
  const batch = batchOf(4);
  fake.reads.push(2, -2);
  assert.equal(source.readReady(batch), 2);
  assert.equal(source.readReady(batch), 0);
  assert.deepEqual([source.state, source.fd, fake.closes], ['down', -1, 1]);
  assert.match(source.stateText, /eth7 went down/);

  fake.nowUs += 999_999;
  assert.equal(source.readReady(batch), 0);
  assert.equal(fake.opens, 1, 'not yet');

  fake.nowUs += 1;
  fake.openErrors.push(new UserError('interface-down', 'still down', 'h'));
  assert.equal(source.readReady(batch), 0);
  assert.deepEqual([source.state, source.stateText, fake.opens], ['down', 'still down', 2]);

  fake.nowUs += 1_000_000;
  fake.linkType = LinkType.Raw; // another device under the same name
  fake.reads.push(1);
  assert.equal(source.readReady(batch), 1);
  assert.deepEqual([source.state, source.stateText, source.fd, source.ifindex], ['running', '', 43, 3]);
  assert.equal(batch.linkType[0], LinkType.Raw);
});

test('LiveSource reports a removed interface, and the words of libpcap for anything else', () => {
  const { fake, source } = start();
  fake.reads.push(-1);
  source.readReady(batchOf(4));
  assert.deepEqual([source.state, source.stateText], ['gone', 'the interface eth7 was removed']);

  const other = start();
  other.fake.reads.push(-3);
  other.source.readReady(batchOf(4));
  assert.deepEqual([other.source.state, other.source.stateText], ['gone', 'words of libpcap']);
});

test('LiveSource waits in read() while the interface is away, so that a loop does not spin', () => {
  const { fake, source } = start();
  fake.reads.push(-1);
  source.readReady(batchOf(4));
  fake.waitedMs = 0;
  source.read(batchOf(4), 50);
  assert.equal(fake.waitedMs, 50);
});

test('LiveSource.stats() adds up the handles that were open one after the other', () => {
  const { fake, source } = start();
  const batch = batchOf(8);
  fake.reads.push(5, -2, 6);
  source.readReady(batch);
  assert.equal(source.stats().received, 5);
  source.readReady(batch);
  assert.equal(source.stats().received, 5, 'while it is down');
  fake.nowUs += 1_000_000;
  source.readReady(batch);
  assert.deepEqual(source.stats(), { received: 11, kernelDrops: 2, interfaceDrops: undefined });
  source.close();
  source.close();
  assert.equal(source.stats().received, 11);
  assert.equal(source.readReady(batch), -1);
  assert.equal(fake.closes, 2, 'once a handle');
});

test('LiveSource.stats() knows drops of the interface only where libpcap reads them', () => {
  assert.equal(start({ promiscuous: true }).source.stats().interfaceDrops, 7);
  assert.equal(start({ promiscuous: true, device: 'any' }).source.stats().interfaceDrops, undefined);
  assert.equal(start({ promiscuous: true, netnsPath: '/run/netns/x' }).source.stats().interfaceDrops, undefined);
});

test('LiveSource refuses a batch without room for one packet', () => {
  const { source } = start();
  assert.throws(() => source.readReady(createPacketBatch(4, 99)), RangeError);
});
