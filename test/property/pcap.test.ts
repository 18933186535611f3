import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { PcapFileSource } from '../../src/capture/file.ts';
import { UserError } from '../../src/core/errors.ts';
import { createPacketBatch, type PacketBatch } from '../../src/core/packet.ts';
import { loadNative } from '../../src/native/binding.ts';
import { PcapWalker } from '../../src/pcap/pcap.ts';
import type { Stretch } from '../../src/pcap/stretch.ts';
import { type PcapRecord, pcapFile } from '../support/packets.ts';

const folder = mkdtempSync(join(tmpdir(), 'pcap-property-'));
after(() => rmSync(folder, { recursive: true }));
const path = join(folder, 'x.pcap');

interface Packet {
  readonly sec: number;
  readonly nsec: number;
  readonly origLen: number;
  readonly bytes: string; // hex
}

/** All packets of a file, in batches so small that records cross them. */
function readAll(
  file: Uint8Array,
  room = { packets: 3, octets: 400 },
): { packets: Packet[]; damage: PcapFileSource['damage'] } {
  writeFileSync(path, file);
  const source = new PcapFileSource({ path });
  try {
    const batch = createPacketBatch(room.packets, room.octets);
    const packets: Packet[] = [];
    for (let reads = 0; source.read(batch, 0) >= 0; reads++) {
      assert.ok(reads < 10_000, 'it ends');
      for (let i = 0; i < batch.count; i++) {
        const at = batch.offset[i]!;
        const bytes = Buffer.from(batch.bytes.subarray(at, at + batch.capLen[i]!)).toString('hex');
        packets.push({ sec: batch.sec[i]!, nsec: batch.nsec[i]!, origLen: batch.origLen[i]!, bytes });
      }
    }
    return { packets, damage: source.damage };
  } finally {
    source.close();
  }
}

const u32 = fc.nat(0xffffffff);
const records = fc.array(
  fc
    .record({ bytes: fc.uint8Array({ maxLength: 150 }), more: fc.nat(2000), sec: u32, fraction: fc.nat(999_999) })
    .map(({ more, ...record }): PcapRecord => ({ ...record, origLen: record.bytes.length + more })),
  { maxLength: 12 },
);
const fields = fc.record({ order: fc.constantFrom('little', 'big'), unit: fc.constantFrom('micro', 'nano') });

test('any cut of a file gives a prefix of its packets, and says where it ends', () => {
  fc.assert(
    fc.property(records, fields, fc.nat(), (all, how, cut) => {
      const file = pcapFile(all, how);
      const whole = readAll(file);
      assert.deepEqual([whole.packets.length, whole.damage], [all.length, undefined]);
      const length = 4 + (cut % (file.length - 3));
      const part = readAll(file.subarray(0, length));
      assert.deepEqual(part.packets, whole.packets.slice(0, part.packets.length));
      let complete = 24;
      for (const { bytes } of all.slice(0, part.packets.length)) complete += 16 + bytes.length;
      if (length < 24) assert.equal(part.damage?.offset, length);
      else assert.equal(part.damage?.offset, complete === length ? undefined : complete);
    }),
    { numRuns: 300 },
  );
});

test('any change of any octets gives packets, damage or a UserError, never another error', () => {
  const changes = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(records, fields, changes, (all, how, octets) => {
      const file = pcapFile(all, how);
      for (const [at, value] of octets) file[at % file.length] = value;
      try {
        readAll(file);
      } catch (error) {
        assert.ok(error instanceof UserError, String(error));
      }
    }),
    { numRuns: 500 },
  );
});

test('any octets at all give packets, damage or a UserError', () => {
  const magic = fc.constantFrom([], [0xd4, 0xc3, 0xb2, 0xa1], [0xa1, 0xb2, 0xc3, 0xd4, 0, 2, 0, 4]);
  fc.assert(
    fc.property(magic, fc.uint8Array({ maxLength: 300 }), (start, rest) => {
      try {
        readAll(Uint8Array.from([...start, ...rest]));
      } catch (error) {
        assert.ok(error instanceof UserError, String(error));
      }
    }),
    { numRuns: 300 },
  );
});

/** What is used of the package pcap-parser, which has no types. */
interface OtherPacket {
  readonly header: Record<'timestampSeconds' | 'timestampMicroseconds' | 'capturedLength' | 'originalLength', number>;
  readonly data: Buffer;
}
interface OtherParser {
  on(event: 'packet', listener: (packet: OtherPacket) => void): this;
  on(event: 'end', listener: () => void): this;
  on(event: 'error', listener: (error: Error) => void): this;
}
const pcapParser: { parse(path: string): OtherParser } = require('pcap-parser');

function readByOther(file: Uint8Array): Promise<Packet[]> {
  writeFileSync(path, file);
  return new Promise((resolve, reject) => {
    const packets: Packet[] = [];
    pcapParser
      .parse(path)
      .on('packet', ({ header, data }) => {
        assert.equal(data.length, header.capturedLength);
        const nsec = header.timestampMicroseconds * 1000;
        const { timestampSeconds: sec, originalLength: origLen } = header;
        packets.push({ sec, nsec, origLen, bytes: data.toString('hex') });
      })
      .on('end', () => resolve(packets))
      .on('error', reject);
  });
}

test('pcap-parser reads the same packets, lengths and times out of microsecond files', async () => {
  await fc.assert(
    fc.asyncProperty(records, fc.constantFrom('little' as const, 'big' as const), async (all, order) => {
      const file = pcapFile(all, { order });
      assert.deepEqual(await readByOther(file), readAll(file).packets);
    }),
    { numRuns: 200 },
  );
});

test('pcap-parser reads the same out of every well-formed microsecond file of captures/', async () => {
  const isMicro = (file: Buffer): boolean =>
    ['d4c3b2a10200', 'a1b2c3d40002'].includes(file.subarray(0, 6).toString('hex')) &&
    file.readUInt8(6) + file.readUInt8(7) === 4;
  const names = readdirSync('captures').filter((name) => name.endsWith('.pcap'));
  const seen = [];
  for (const name of names) {
    const file = readFileSync(join('captures', name));
    if (file.length < 24 || !isMicro(file)) continue;
    const { packets, damage } = readAll(file, { packets: 64, octets: 70_000 });
    if (damage !== undefined) continue;
    assert.deepEqual(packets, await readByOther(file), name);
    seen.push(name);
  }
  for (const name of ['big-endian.pcap', 'connection.pcap', 'fragment-orders.pcap', 'tunnels.pcap'])
    assert.ok(seen.includes(name), name);
});

/** What one walk says of a file whose header has 24 octets. */
function walkOnce(walker: PcapWalker, file: Uint8Array): readonly unknown[] {
  const batch: PacketBatch = { ...createPacketBatch(5, 0), bytes: file };
  const stretch: Stretch = { from: 24, have: file.length, skip: 0, damage: undefined };
  walker.walk(stretch, batch);
  const { count, offset, capLen, origLen, sec, nsec } = batch;
  return [stretch, [offset, capLen, origLen, sec, nsec].map((column) => [...column.subarray(0, count)])];
}

test('a walk with the addon and one without it find the same, whatever octets are changed', () => {
  const changes = fc.array(fc.tuple(fc.integer({ min: 24, max: 400 }), fc.nat(255)), { maxLength: 3 });
  fc.assert(
    fc.property(records, fields, changes, fc.nat(200), (all, how, changed, cut) => {
      const file = pcapFile(all, how).slice();
      for (const [at, octet] of changed) if (at < file.length) file[at] = octet;
      const part = file.subarray(0, Math.max(24, file.length - cut));
      assert.deepEqual(
        walkOnce(new PcapWalker(file, 'x', loadNative()), part),
        walkOnce(new PcapWalker(file, 'x'), part),
      );
    }),
    { numRuns: 2000 },
  );
});
