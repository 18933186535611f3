import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createPacketBatch, PacketType } from '../../../src/core/packet.ts';
import type { Stretch } from '../../../src/pcap/stretch.ts';
import {
  type Block,
  block,
  enhancedPacket,
  interfaceBlock,
  oldPacket,
  pcapng,
  section,
  simplePacket,
  text,
} from '../../support/pcapng-file.ts';
import { walkPcapng } from '../../support/walk.ts';

const three = Uint8Array.of(1, 2, 3);
const packet = (id = 0, time = 1_000_000n): Block => enhancedPacket({ bytes: three, id, time, origLen: 60 });
const named = (name: string) => interfaceBlock({ options: [[2, text(name)]] });
const UNKNOWN = 0x7777;

describe('PcapngWalker', () => {
  for (const order of ['little', 'big'] as const) {
    test(`PcapngWalker reads packets of every kind of block in ${order}-endian sections`, () => {
      const fields = { bytes: three, origLen: 60, time: 5_000_007n };
      const file = pcapng(
        section({ order }),
        interfaceBlock({ linkType: 276 }),
        enhancedPacket(fields),
        oldPacket(fields, 9),
        simplePacket(three, 60),
      );
      const { batch, stretch, time } = walkPcapng(file);
      assert.deepEqual([batch.count, stretch.from, stretch.damage], [3, file.length, undefined]);
      for (let i = 0; i < 3; i++) {
        assert.deepEqual([batch.linkType[i], batch.origLen[i], ...time(i)], [276, 60, 5, 7000]);
        assert.deepEqual(batch.bytes.slice(batch.offset[i]!, batch.offset[i]! + 3), three);
      }
      assert.deepEqual(
        [...batch.capLen.subarray(0, 3)],
        [3, 3, 4],
        'a simple packet has its padding, if it is long enough',
      );
    });
  }

  test('PcapngWalker cuts simple packets at the snapshot length of the first interface', () => {
    const file = pcapng(section(), interfaceBlock({ snaplen: 2 }), simplePacket(three));
    assert.equal(walkPcapng(file).batch.capLen[0], 2);
  });

  test('PcapngWalker begins anew with each section, and knows an interface again by its name', () => {
    const file = pcapng(
      section(),
      named('eth0'),
      named('eth1'),
      packet(1),
      section({ order: 'big' }),
      named('eth1'),
      packet(0),
      section(),
      interfaceBlock(),
      packet(0),
      section(),
      interfaceBlock(),
      packet(0),
    );
    const { batch, stretch } = walkPcapng(file);
    assert.deepEqual([batch.count, stretch.damage], [4, undefined]);
    const [first, second, third, fourth] = batch.ifindex;
    assert.deepEqual([second, fourth], [first, third]);
    assert.notEqual(first, third);
    assert.ok(first! > 0x7fffffff, 'no ifindex of a kernel');
  });

  test('PcapngWalker passes over blocks and options that it does not know', () => {
    const odd = block(UNKNOWN, () => text('whatever'));
    const list = [[0x7001, [1]] as const, [1, text('a')] as const, [1, text('b')] as const];
    const annotated = enhancedPacket({ bytes: three, options: list });
    const file = pcapng(section(), odd, interfaceBlock({ options: list }), odd, annotated, odd, packet());
    assert.deepEqual([walkPcapng(file).batch.count, walkPcapng(file).stretch.damage], [2, undefined]);
  });

  test('PcapngWalker takes a block whose length leaves the padding out', () => {
    const unpadded = enhancedPacket({ bytes: three }, 'unpadded');
    assert.equal(walkPcapng(pcapng(section(), interfaceBlock(), unpadded, packet())).batch.count, 2);
  });

  test('PcapngWalker reads the way of a packet from its flags', () => {
    const flags = (n: number) => enhancedPacket({ bytes: three, options: [[2, (w) => w.u32(n)]] });
    const [IN, OUT, BROADCAST, PROMISCUOUS] = [1, 2, 3 << 2, 4 << 2];
    const all = [0, IN, OUT, IN | BROADCAST, IN | PROMISCUOUS].map(flags);
    const { batch } = walkPcapng(pcapng(section(), interfaceBlock(), ...all));
    const { Unknown, Host, Outgoing, Broadcast, OtherHost } = PacketType;
    assert.deepEqual([...batch.pktType.subarray(0, 5)], [Unknown, Host, Outgoing, Broadcast, OtherHost]);
  });

  test('PcapngWalker stops at a full batch and goes on from there', () => {
    const file = pcapng(section(), interfaceBlock(), packet(0, 1_000_000n), packet(0, 2_000_000n), simplePacket(three));
    const { walker, batch, stretch, time } = walkPcapng(file, 2);
    assert.equal(batch.count, 2);
    walker.walk(stretch, batch);
    assert.deepEqual([batch.count, ...time(0), stretch.from], [1, 2, 0, file.length]);
  });

  test('PcapngWalker leaves an incomplete block for later', () => {
    const file = pcapng(section(), interfaceBlock(), packet(), packet());
    for (let cut = 1; cut < 36; cut++) {
      const { batch, stretch } = walkPcapng(file.subarray(0, file.length - cut));
      assert.deepEqual([batch.count, stretch.from, stretch.damage], [1, file.length - 36, undefined]);
    }
  });

  test('PcapngWalker skips the rest of a block that is larger than the batch', () => {
    const big = block(UNKNOWN, () => new Uint8Array(5000));
    const file = pcapng(section(), interfaceBlock(), big, packet());
    const start = 28 + 20; // of the big block
    const { walker } = walkPcapng(file.subarray(0, start));
    const small = createPacketBatch(4, 600);
    small.bytes.set(file.subarray(start, start + 600));
    const stretch: Stretch = { from: 0, have: 600, skip: 0, damage: undefined };
    walker.walk(stretch, small);
    assert.deepEqual([small.count, stretch.from, stretch.skip], [0, 600, 5012 - 600]);
  });

  for (const [name, blocks, what] of [
    ['a packet of an interface that is not described', [packet(1)], /packet of interface 1, there are 1/],
    ['a block shorter than its frame', [() => [5, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0]], /block of 8 octets/],
    ['a block without length', [() => new Uint8Array(12)], /block of 0 octets/],
    ['a packet longer than its block', [longer(200)], /packet of 200 octets in a block of 36/],
    ['a packet block without room for its fields', [block(6, () => [])], /packet block of 12 octets/],
    ['lengths that differ', [differing()], /block of 36 octets that ends as one of 40/],
    ['a section header without byte order', [block(0x0a0d0d0a, () => new Uint8Array(20))], /without a byte order/],
  ] as const) {
    test(`PcapngWalker calls ${name} damage, after the packets before it`, () => {
      const before = pcapng(section(), interfaceBlock(), packet());
      const file = pcapng(section(), interfaceBlock(), packet(), ...blocks, packet());
      const { batch, stretch } = walkPcapng(file);
      assert.deepEqual([batch.count, stretch.from], [1, before.length]);
      assert.match(stretch.damage ?? '', what);
    });
  }

  test('PcapngWalker refuses sections of another version, and packets before the first interface', () => {
    const other = pcapng(section());
    other[12] = 2;
    assert.match(walkPcapng(other).stretch.damage ?? '', /section of version 2/);
    assert.match(walkPcapng(pcapng(section(), simplePacket(three))).stretch.damage ?? '', /before the first interface/);
  });
});

function longer(captured: number): Block {
  return (order) => {
    const bytes = [...packet()(order)];
    bytes[20] = captured;
    return bytes;
  };
}

function differing(): Block {
  return (order) => {
    const bytes = [...packet()(order)];
    bytes[bytes.length - 4] = 40;
    return bytes;
  };
}
