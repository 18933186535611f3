import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { PcapFileSource } from '../../src/capture/file.ts';
import { UserError } from '../../src/core/errors.ts';
import { createPacketBatch } from '../../src/core/packet.ts';
import {
  type Block,
  block,
  enhancedPacket,
  interfaceBlock,
  oldPacket,
  type PcapngOption,
  pcapng,
  section,
  simplePacket,
} from '../support/pcapng-file.ts';
import { PROCESS_CAPTURES } from '../support/process-captures.ts';

const folder = mkdtempSync(join(tmpdir(), 'pcapng-property-'));
after(() => rmSync(folder, { recursive: true }));
const path = join(folder, 'x.pcapng');

/** Octets, time and length of each packet, read in batches of that size. */
function readAll(file: Uint8Array, batchBytes = 700): { packets: string[]; damage: PcapFileSource['damage'] } {
  writeFileSync(path, file);
  const source = new PcapFileSource({ path });
  try {
    const batch = createPacketBatch(3, batchBytes);
    const packets: string[] = [];
    for (let reads = 0; source.read(batch, 0) >= 0; reads++) {
      assert.ok(reads < 10_000, 'it ends');
      for (const row of source.notes.rows) assert.ok(row < batch.count);
      for (let i = 0; i < batch.count; i++) {
        const at = batch.offset[i]!;
        const bytes = Buffer.from(batch.bytes.subarray(at, at + batch.capLen[i]!)).toString('hex');
        packets.push(`${batch.sec[i]}.${batch.nsec[i]} ${batch.origLen[i]} ${batch.linkType[i]} ${bytes}`);
      }
    }
    return { packets, damage: source.damage };
  } finally {
    source.close();
  }
}

const order = fc.constantFrom('little' as const, 'big' as const);
const bytes = fc.uint8Array({ maxLength: 150 });
const option = fc.tuple(
  fc.nat(0xffff).map((code) => code || 1),
  fc.uint8Array({ maxLength: 20 }),
);
const list = fc.array<PcapngOption>(option, { maxLength: 3 });
const fields = fc.record({
  bytes,
  origLen: fc.nat(4000),
  id: fc.nat(1),
  time: fc.bigInt(0n, 2n ** 50n),
  options: list,
});
const packet: fc.Arbitrary<Block> = fc.oneof(
  fields.map((one) => enhancedPacket(one)),
  fields.map((one) => oldPacket(one)),
  bytes.map((one) => simplePacket(one)),
);
const other = fc
  .tuple(fc.integer({ min: 0x100, max: 0x7fff_ffff }), bytes)
  .map(([type, body]) => block(type, () => body));
const interfaces = fc.tuple(list, list).map((both) => both.map((options) => interfaceBlock({ options })));
const piece = fc
  .tuple(order, interfaces, fc.array(fc.oneof(packet, packet, other), { maxLength: 6 }))
  .map(([which, described, blocks]) => [section({ order: which }), ...described, ...blocks]);
const files = fc.array(piece, { minLength: 1, maxLength: 3 }).map((pieces) => pcapng(...pieces.flat()));

test('any batches give the same packets of a pcapng file, and no damage', () => {
  fc.assert(
    fc.property(files, (file) => {
      const whole = readAll(file, 1 << 16);
      assert.equal(whole.damage, undefined);
      assert.deepEqual(readAll(file), whole);
    }),
    { numRuns: 200 },
  );
});

test('any cut of a pcapng file gives a prefix of its packets, and says where it ends', () => {
  fc.assert(
    fc.property(files, fc.nat(), (file, cut) => {
      const whole = readAll(file);
      const length = 4 + (cut % (file.length - 3));
      const part = readAll(file.subarray(0, length));
      assert.deepEqual(part.packets, whole.packets.slice(0, part.packets.length));
      if (length < file.length) assert.ok(part.damage === undefined || part.damage.offset <= length);
      else assert.deepEqual(part, whole);
    }),
    { numRuns: 300 },
  );
});

test('any change of any octets of a pcapng file gives packets, damage or a UserError, never another error', () => {
  const changes = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 8 });
  const seeds = fc.oneof(files, fc.constantFrom(...PROCESS_CAPTURES.map((one) => one.bytes)));
  fc.assert(
    fc.property(seeds, changes, (seed, octets) => {
      const file = seed.slice();
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
