import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { UserError } from '../../../src/core/errors.ts';
import { createPacketBatch, type PacketBatch } from '../../../src/core/packet.ts';
import { isPcap, notPcap, PCAP_HEADER, parsePcapHeader, type Stretch, walkRecords } from '../../../src/pcap/pcap.ts';
import { type PcapFields, type PcapRecord, pcapFile } from '../../support/packets.ts';

const three = Uint8Array.of(1, 2, 3);

/** Walks the records of a whole file that lies in one batch. */
function walk(file: Uint8Array, capacity = 10, room = 1000): { batch: PacketBatch; stretch: Stretch } {
  const batch = createPacketBatch(capacity, Math.max(file.length, room));
  batch.bytes.set(file);
  const stretch: Stretch = { from: PCAP_HEADER, have: file.length, damage: undefined };
  walkRecords(parsePcapHeader(file, 'test'), stretch, batch);
  return { batch, stretch };
}
const walkOne = (record: PcapRecord, fields?: PcapFields): PacketBatch => walk(pcapFile([record], fields)).batch;

describe('parsePcapHeader()', () => {
  for (const order of ['little', 'big'] as const) {
    for (const unit of ['micro', 'nano'] as const) {
      test(`parsePcapHeader() reads ${unit}second files of ${order}-endian machines`, () => {
        const file = pcapFile([], { order, unit, snaplen: 96, linkType: 276 });
        const expected = { littleEndian: order === 'little', nanosecond: unit === 'nano', snaplen: 96, linkType: 276 };
        assert.deepEqual(parsePcapHeader(file, 'test'), expected);
      });
    }
  }

  test('parsePcapHeader() leaves the length of a frame check sequence out of the link type', () => {
    assert.equal(parsePcapHeader(pcapFile([], { linkType: 0x54000001 }), 'test').linkType, 1);
  });

  test('parsePcapHeader() refuses other versions', () => {
    for (const [at, value] of [
      [4, 3],
      [6, 1],
    ] as const) {
      const file = pcapFile([]);
      file[at] = value;
      assert.throws(() => parsePcapHeader(file, 'old.pcap'), /old\.pcap is a pcap file of version/);
    }
  });
});

describe('notPcap()', () => {
  for (const [name, octets, message, hint] of [
    ['pcapng', [0x0a, 0x0d, 0x0d, 0x0a, 28, 0, 0, 0], /pcapng file, which is not read yet/, /editcap -F pcap/],
    ['gzip', [0x1f, 0x8b, 8, 0], /gzip, which is not read yet/, /gunzip/],
    ['zstd', [0x28, 0xb5, 0x2f, 0xfd], /zstd/, /zstd -d/],
    ['xz', [0xfd, 0x37, 0x7a, 0x58, 0x5a], /xz/, /xz -dk/],
    ['an empty file', [], /is empty/, /24 octets/],
    ['text', [0x68, 0x65, 0x6c, 0x6c, 0x6f], /is not a pcap file/, /tcpdump -w/],
    ['the variant of Kuznetzov', [0x34, 0xcd, 0xb2, 0xa1], /is not a pcap file/, /editcap/],
  ] as const) {
    test(`notPcap() says what to do about ${name}`, () => {
      const bytes = Uint8Array.from(octets);
      assert.equal(isPcap(bytes), false);
      const error = notPcap(bytes, 'x.pcap');
      assert.ok(error instanceof UserError);
      assert.match(error.message, /^x\.pcap /);
      assert.match(error.message, message);
      assert.match(error.hint, hint);
    });
  }
});

describe('walkRecords()', () => {
  test('walkRecords() gives times to the nanosecond, lengths and the place of the octets', () => {
    const micro = walkOne({ bytes: three, origLen: 1500, sec: 0xffffffff, fraction: 999_999 });
    assert.deepEqual(
      [micro.sec[0], micro.nsec[0], micro.capLen[0], micro.origLen[0]],
      [0xffffffff, 999_999_000, 3, 1500],
    );
    assert.deepEqual(micro.bytes.slice(micro.offset[0]!, micro.offset[0]! + 3), three);
    const nano = walkOne({ bytes: three, sec: 5, fraction: 999_999_999 }, { unit: 'nano', order: 'big' });
    assert.deepEqual([nano.sec[0], nano.nsec[0]], [5, 999_999_999]);
  });

  test('walkRecords() carries fractions of more than a second', () => {
    const micro = walkOne({ bytes: three, sec: 5, fraction: 4_000_001_002 });
    assert.deepEqual([micro.sec[0], micro.nsec[0]], [4005, 1_002_000]);
    const nano = walkOne({ bytes: three, sec: 5, fraction: 1_000_000_000 }, { unit: 'nano' });
    assert.deepEqual([nano.sec[0], nano.nsec[0]], [6, 0]);
  });

  test('walkRecords() never lets the original length be less than what was captured', () => {
    assert.equal(walkOne({ bytes: three, origLen: 0 }).origLen[0], 3);
  });

  test('walkRecords() clears what an earlier source left in the rows', () => {
    const file = pcapFile([{ bytes: three }], { linkType: 276 });
    const batch = createPacketBatch(2, 1000);
    batch.ifindex.fill(7);
    batch.pktType.fill(4);
    batch.bytes.set(file);
    walkRecords(parsePcapHeader(file, 'test'), { from: PCAP_HEADER, have: file.length, damage: undefined }, batch);
    assert.deepEqual([batch.ifindex[0], batch.pktType[0], batch.linkType[0]], [0, 255, 276]);
  });

  test('walkRecords() stops at a full batch and goes on from there', () => {
    const file = pcapFile([
      { bytes: three, sec: 1 },
      { bytes: three, sec: 2 },
      { bytes: three, sec: 3 },
    ]);
    const { batch, stretch } = walk(file, 2);
    assert.deepEqual([batch.count, ...batch.sec], [2, 1, 2]);
    walkRecords(parsePcapHeader(file, 'test'), stretch, batch);
    assert.deepEqual([batch.count, batch.sec[0], stretch.from], [1, 3, file.length]);
  });

  for (const [name, cut] of [
    ['header', 15],
    ['packet', 18],
  ] as const) {
    test(`walkRecords() leaves a record with an incomplete ${name} for later`, () => {
      const file = pcapFile([{ bytes: three }, { bytes: three }]);
      const { batch, stretch } = walk(file.subarray(0, PCAP_HEADER + 19 + cut));
      assert.deepEqual([batch.count, stretch.from, stretch.damage], [1, PCAP_HEADER + 19, undefined]);
    });
  }

  test('walkRecords() takes an empty packet', () => {
    assert.deepEqual([...walkOne({ bytes: new Uint8Array(0), origLen: 60 }).origLen.subarray(0, 1)], [60]);
  });

  test('walkRecords() calls a record longer than possible damage, after the packets before it', () => {
    const file = pcapFile([{ bytes: three }, { bytes: three }]);
    const walkWith = (captured: number): ReturnType<typeof walk> => {
      new DataView(file.buffer).setUint32(PCAP_HEADER + 19 + 8, captured, true);
      return walk(file, 10, 1_000_000);
    };
    const { batch, stretch } = walkWith(262_145);
    assert.deepEqual([batch.count, stretch.from], [1, PCAP_HEADER + 19]);
    assert.match(stretch.damage ?? '', /record of 262145 octets/);
    assert.equal(walkWith(262_144).stretch.damage, undefined);
  });

  test('walkRecords() believes a large snaplen only as far as the batch has room', () => {
    const file = pcapFile([{ bytes: three }], { snaplen: 0xffffffff });
    new DataView(file.buffer).setUint32(PCAP_HEADER + 8, 0x7fffffff, true);
    assert.match(walk(file).stretch.damage ?? '', /record of 2147483647 octets/);
  });
});
