import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createPacketBatch, type PacketBatch } from '../../../src/core/packet.ts';
import { PcapWalker } from '../../../src/pcap/pcap.ts';
import type { Stretch } from '../../../src/pcap/stretch.ts';
import { type PcapFields, type PcapRecord, pcapFile } from '../../support/packets.ts';

const HEADER = 24;
const three = Uint8Array.of(1, 2, 3);

const stretchOf = (have: number): Stretch => ({ from: HEADER, have, skip: 0, damage: undefined });

/** Walks the records of a whole file that lies in one batch. */
function walk(file: Uint8Array, capacity = 10, room = 1000): { batch: PacketBatch; stretch: Stretch } {
  const batch = createPacketBatch(capacity, Math.max(file.length, room));
  batch.bytes.set(file);
  const stretch = stretchOf(file.length);
  new PcapWalker(file, 'test').walk(stretch, batch);
  return { batch, stretch };
}
const walkOne = (record: PcapRecord, fields?: PcapFields): PacketBatch => walk(pcapFile([record], fields)).batch;

/** The file of `records` as another version wrote it. */
function versioned(records: readonly PcapRecord[], major: number, minor: number): Uint8Array {
  const file = pcapFile(records);
  const view = new DataView(file.buffer);
  view.setUint16(4, major, true);
  view.setUint16(6, minor, true);
  return file;
}

describe('PcapWalker', () => {
  for (const order of ['little', 'big'] as const) {
    for (const unit of ['micro', 'nano'] as const) {
      test(`PcapWalker reads ${unit}second files of ${order}-endian machines`, () => {
        const batch = walkOne({ bytes: three, sec: 7, fraction: 5 }, { order, unit, linkType: 276 });
        const nsec = unit === 'nano' ? 5 : 5000;
        assert.deepEqual([batch.count, batch.sec[0], batch.nsec[0], batch.linkType[0]], [1, 7, nsec, 276]);
      });
    }
  }

  test('PcapWalker leaves the length of a frame check sequence out of the link type', () => {
    assert.equal(walkOne({ bytes: three }, { linkType: 0x54000001 }).linkType[0], 1);
  });

  test('PcapWalker refuses versions that nobody wrote', () => {
    for (const [major, minor] of [
      [3, 4],
      [2, 5],
      [1, 2],
    ] as const) {
      assert.throws(
        () => new PcapWalker(versioned([], major, minor), 'new.pcap'),
        /new\.pcap is a pcap file of version/,
      );
    }
  });

  test('PcapWalker knows which versions had the lengths of a record the other way round', () => {
    const lengths = (major: number, minor: number, original: number): number[] => {
      const { batch } = walk(versioned([{ bytes: three, origLen: original }], major, minor));
      return [batch.capLen[0]!, batch.origLen[0]!];
    };
    assert.deepEqual(lengths(2, 4, 9), [3, 9]);
    assert.deepEqual(lengths(2, 3, 2), [2, 3], 'version 2.3 only where it is plain');
    assert.deepEqual(lengths(2, 3, 9), [3, 9]);
    assert.deepEqual(lengths(2, 2, 2), [2, 3]);
    assert.deepEqual(lengths(543, 0, 2), [2, 3]);
  });

  test('PcapWalker gives times to the nanosecond, lengths and the place of the octets', () => {
    const micro = walkOne({ bytes: three, origLen: 1500, sec: 0xffffffff, fraction: 999_999 });
    assert.deepEqual(
      [micro.sec[0], micro.nsec[0], micro.capLen[0], micro.origLen[0]],
      [0xffffffff, 999_999_000, 3, 1500],
    );
    assert.deepEqual(micro.bytes.slice(micro.offset[0]!, micro.offset[0]! + 3), three);
    const nano = walkOne({ bytes: three, sec: 5, fraction: 999_999_999 }, { unit: 'nano', order: 'big' });
    assert.deepEqual([nano.sec[0], nano.nsec[0]], [5, 999_999_999]);
  });

  test('PcapWalker carries fractions of more than a second', () => {
    const micro = walkOne({ bytes: three, sec: 5, fraction: 4_000_001_002 });
    assert.deepEqual([micro.sec[0], micro.nsec[0]], [4005, 1_002_000]);
    const nano = walkOne({ bytes: three, sec: 5, fraction: 1_000_000_000 }, { unit: 'nano' });
    assert.deepEqual([nano.sec[0], nano.nsec[0]], [6, 0]);
  });

  test('PcapWalker never lets the original length be less than what was captured', () => {
    assert.equal(walkOne({ bytes: three, origLen: 0 }).origLen[0], 3);
  });

  test('PcapWalker clears what an earlier source left in the rows', () => {
    const file = pcapFile([{ bytes: three }], { linkType: 276 });
    const batch = createPacketBatch(2, 1000);
    batch.ifindex.fill(7);
    batch.pktType.fill(4);
    batch.bytes.set(file);
    new PcapWalker(file, 'test').walk(stretchOf(file.length), batch);
    assert.deepEqual([batch.ifindex[0], batch.pktType[0], batch.linkType[0]], [0, 255, 276]);
  });

  test('PcapWalker stops at a full batch and goes on from there', () => {
    const file = pcapFile([
      { bytes: three, sec: 1 },
      { bytes: three, sec: 2 },
      { bytes: three, sec: 3 },
    ]);
    const { batch, stretch } = walk(file, 2);
    assert.deepEqual([batch.count, ...batch.sec], [2, 1, 2]);
    new PcapWalker(file, 'test').walk(stretch, batch);
    assert.deepEqual([batch.count, batch.sec[0], stretch.from], [1, 3, file.length]);
  });

  for (const [name, cut] of [
    ['header', 15],
    ['packet', 18],
  ] as const) {
    test(`PcapWalker leaves a record with an incomplete ${name} for later`, () => {
      const file = pcapFile([{ bytes: three }, { bytes: three }]);
      const { batch, stretch } = walk(file.subarray(0, HEADER + 19 + cut));
      assert.deepEqual([batch.count, stretch.from, stretch.damage], [1, HEADER + 19, undefined]);
    });
  }

  test('PcapWalker takes an empty packet', () => {
    assert.deepEqual([...walkOne({ bytes: new Uint8Array(0), origLen: 60 }).origLen.subarray(0, 1)], [60]);
  });

  test('PcapWalker calls a record longer than possible damage, after the packets before it', () => {
    const file = pcapFile([{ bytes: three }, { bytes: three }]);
    const walkWith = (captured: number): ReturnType<typeof walk> => {
      new DataView(file.buffer).setUint32(HEADER + 19 + 8, captured, true);
      return walk(file, 10, 1_000_000);
    };
    const { batch, stretch } = walkWith(262_145);
    assert.deepEqual([batch.count, stretch.from], [1, HEADER + 19]);
    assert.match(stretch.damage ?? '', /record of 262145 octets/);
    assert.equal(walkWith(262_144).stretch.damage, undefined);
  });

  test('PcapWalker delivers what has room of a packet that is larger than the batch, and skips the rest', () => {
    const file = pcapFile([{ bytes: new Uint8Array(900) }], { linkType: 189 });
    const batch = createPacketBatch(4, 500);
    batch.bytes.set(file.subarray(HEADER, HEADER + 500));
    const stretch: Stretch = { from: 0, have: 500, skip: 0, damage: undefined };
    new PcapWalker(file, 'test').walk(stretch, batch);
    assert.deepEqual([batch.count, batch.capLen[0], batch.origLen[0]], [1, 484, 900]);
    assert.deepEqual([stretch.from, stretch.skip], [500, 416]);
  });

  test('PcapWalker takes longer packets from buses than from networks', () => {
    const file = pcapFile([{ bytes: three }], { linkType: 189, snaplen: 0xffffffff });
    const damageOf = (captured: number): string | undefined => {
      new DataView(file.buffer).setUint32(HEADER + 8, captured, true);
      return walk(file).stretch.damage;
    };
    assert.equal(damageOf(1 << 27), undefined);
    assert.match(damageOf(0x7fffffff) ?? '', /record of 2147483647 octets/);
  });

  test("PcapWalker reads interface and way from the records of Kuznetzov's patch", () => {
    const file = pcapFile([{ bytes: Uint8Array.of(9, 0, 0, 0, 8, 0, 4, 0, 1, 2, 3) }]);
    const view = new DataView(file.buffer);
    view.setUint32(0, 0xa1b2cd34, true);
    view.setUint32(HEADER + 8, 3, true);
    const { batch, stretch } = walk(file);
    assert.deepEqual([batch.count, batch.capLen[0], batch.ifindex[0], batch.pktType[0]], [1, 3, 9, 4]);
    assert.deepEqual(batch.bytes.slice(batch.offset[0]!, batch.offset[0]! + 3), three);
    assert.equal(stretch.from, file.length);
  });
});
