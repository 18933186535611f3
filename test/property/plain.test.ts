import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { PcapFileSource } from '../../src/capture/file.ts';
import { createDecodedBatch, type DecodedBatch } from '../../src/core/decoded.ts';
import { createPacketBatch, LinkType, type PacketBatch } from '../../src/core/packet.ts';
import { KEY_WORDS } from '../../src/core/tuple.ts';
import { FragmentTable } from '../../src/decode/fragments.ts';
import { decodeLink } from '../../src/decode/link.ts';
import { loadNative } from '../../src/native/binding.ts';
import { BAD_CAPTURES } from '../support/bad-captures.ts';
import { ethernet, ipv4, ipv6, packetBatch, type TestPacket, tcp, udp, vlan } from '../support/packets.ts';

const native = loadNative();
const ROOM = 1 << 19;
const BAD: readonly string[] = BAD_CAPTURES.map(({ name }) => name);
const CAPTURES = readdirSync('captures').filter((name) => /\.pcap(ng)?$/.test(name) && !BAD.includes(name));

/** The way through the layers, packet by packet. */
function decodeByLayers(batch: PacketBatch, out: DecodedBatch): void {
  const view = new DataView(batch.bytes.buffer, batch.bytes.byteOffset, batch.bytes.byteLength);
  const work = { view, batch, out, at: 0, unsupported: 0, frameEnd: 0, fragments: new FragmentTable() };
  for (let i = 0; i < batch.count; i++) {
    const at = batch.offset[i]!;
    work.frameEnd = at + batch.origLen[i]!;
    out.status[i] = decodeLink(work, i, at, at + batch.capLen[i]!);
  }
}

const rowOf = (out: DecodedBatch, i: number): readonly unknown[] => [
  out.status[i],
  ...out.key.subarray(i * KEY_WORDS, (i + 1) * KEY_WORDS),
  ...[out.ipAt[i], out.transportAt[i], out.ipBytes[i], out.tcpFlags[i], out.tcpSeq[i]],
];

/** @returns how many packets were plain */
function compare(batch: PacketBatch): number {
  const [quick, whole] = [createDecodedBatch(batch.capacity), createDecodedBatch(batch.capacity)];
  for (const column of [quick.status, quick.tcpFlags, quick.tcpSeq, quick.key, quick.ipAt, quick.ipBytes])
    column.fill(7);
  const [rows, sums] = [new Uint16Array(batch.capacity), new Float64Array(2)];
  const count = native.decodePlain(
    ...([batch.bytes, batch.count, batch.netns, batch.offset, batch.capLen, batch.origLen, batch.linkType] as const),
    ...([quick.status, quick.key, quick.ipAt, quick.transportAt, quick.ipBytes, quick.tcpFlags, quick.tcpSeq] as const),
    ...([rows, sums] as const),
  );
  const left = new Set(rows.subarray(0, count));
  decodeByLayers(batch, whole);
  let [bytes, ipBytes] = [0, 0];
  for (let i = 0; i < batch.count; i++) {
    if (left.has(i)) continue;
    assert.deepEqual(rowOf(quick, i), rowOf(whole, i));
    bytes += batch.origLen[i]!;
    ipBytes += quick.ipBytes[i]!;
  }
  assert.deepEqual([...sums, left.size], [bytes, ipBytes, count]);
  return batch.count - count;
}

const v4 = { src: '10.0.0.1', dst: '10.0.0.2' };
const v6 = { src: '2001:db8::1', dst: '2001:db8::2' };
const PLAIN: readonly TestPacket[] = [
  tcp({ src: 1, dst: 2, seq: 2 ** 32 - 1, payload: 9 }),
  udp({ src: 3, dst: 4, payload: 9 }),
]
  .flatMap((inner) => [ipv4(v4, inner), ipv6(v6, inner)])
  .flatMap((inner) => [inner, vlan(0x8100, inner), vlan(0x88a8, vlan(0x8100, inner))])
  .map((inner) => ({ bytes: ethernet(inner) }));

const mutated = fc
  .record({
    packet: fc.constantFrom(...PLAIN),
    changes: fc.array(fc.tuple(fc.nat(69), fc.oneof(fc.nat(255), fc.constantFrom(0, 6, 17, 0x45, 0xfe))), {
      maxLength: 3,
    }),
    cut: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.nat(60)),
    more: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.nat(70_000)),
    linkType: fc.oneof(
      { weight: 5, arbitrary: fc.constant(LinkType.Ethernet) },
      fc.constantFrom(LinkType.Raw, LinkType.LinuxSll2),
    ),
  })
  .map(({ packet, changes, cut, more, linkType }): TestPacket => {
    const bytes = packet.bytes.slice();
    for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
    return { bytes: bytes.slice(0, bytes.length - cut), linkType, origLen: Math.max(0, bytes.length - cut) + more };
  });

describe('decodePlain()', () => {
  test('decodePlain() takes plain packets', () => {
    assert.equal(compare(packetBatch(PLAIN)), PLAIN.length);
  });

  test('decodePlain() says of what it takes what the layers say, whatever octets are changed or cut', () => {
    let taken = 0;
    fc.assert(
      fc.property(fc.array(mutated, { minLength: 1, maxLength: 30 }), (packets) => {
        taken += compare(packetBatch(packets));
      }),
      { numRuns: 3000 },
    );
    assert.ok(taken > 3000, `only ${taken} packets were plain`);
  });

  test('decodePlain() says of what it takes what the layers say, in every capture', () => {
    let taken = 0;
    for (const name of CAPTURES) {
      const batch = createPacketBatch(64, ROOM);
      const source = new PcapFileSource({ path: join('captures', name) });
      while (source.read(batch, 0) > 0) taken += compare(batch);
      source.close();
    }
    assert.ok(taken > 100, `only ${taken} packets were plain`);
  });
});
