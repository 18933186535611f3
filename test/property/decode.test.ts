import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createDecodedBatch, DecodeStatus } from '../../src/core/decoded.ts';
import { LinkType } from '../../src/core/packet.ts';
import { KEY_WORDS } from '../../src/core/tuple.ts';
import { Decoder } from '../../src/decode/decode-batch.ts';
import { LINK_SAMPLES } from '../support/link-layers.ts';
import {
  authentication,
  ethernet,
  extension,
  fragment6,
  icmp,
  ipv4,
  ipv6,
  packetBatch,
  type TestPacket,
  tcp,
  udp,
  vlan,
} from '../support/packets.ts';
import { TEREDO_SAMPLES, TUNNEL_SAMPLES } from '../support/tunnels.ts';

const v4 = { src: '10.0.0.1', dst: '10.0.0.2' };
const v6 = { src: 'fe80::1', dst: '2001:db8::2' };
const SEEDS: readonly TestPacket[] = [
  { bytes: ethernet(ipv4(v4, tcp({ src: 1, dst: 2, payload: 30 }))) },
  { bytes: ethernet(vlan(0x88a8, vlan(0x8100, ipv4({ ...v4, headerWords: 9 }, udp({ src: 1, dst: 2 }))))) },
  { bytes: ethernet(ipv4({ ...v4, id: 1, more: true }, udp({ src: 1, dst: 2, payload: 16 }))) },
  { bytes: ethernet(ipv4({ ...v4, id: 1, offset: 24 }, udp({ src: 1, dst: 2 }))) },
  { bytes: ethernet(ipv6(v6, extension(0, extension(43, authentication(udp({ src: 1, dst: 2 })), 2)))) },
  { bytes: ethernet(ipv6(v6, fragment6({ id: 5, offset: 0, more: true }, icmp(58, 128, 9)))) },
  ...[ipv4(v4, tcp({ src: 1, dst: 2 })), ipv6(v6, udp({ src: 1, dst: 2 }))].flatMap((inner) => [
    ...LINK_SAMPLES.map(({ linkType, frame }) => ({ bytes: frame(inner), linkType })),
    ...[...TUNNEL_SAMPLES, ...TEREDO_SAMPLES].map(({ around }) => ({ bytes: ethernet(around(inner)) })),
    { bytes: ethernet(TUNNEL_SAMPLES[2]!.around(TUNNEL_SAMPLES[13]!.around(inner))) },
  ]),
];

const linkTypes = fc.constantFrom(...Object.values(LinkType), 147, 0xffff);
const noise = fc.record({ bytes: fc.uint8Array({ maxLength: 120 }), linkType: linkTypes });
const damaged = fc
  .record({
    seed: fc.constantFrom(...SEEDS),
    changes: fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }),
    cut: fc.nat(),
    wire: fc.nat(70_000),
  })
  .map(({ seed, changes, cut, wire }): TestPacket => {
    const bytes = seed.bytes.slice(0, seed.bytes.length - (cut % 3 === 0 ? cut % seed.bytes.length : 0));
    for (const [at, value] of changes) bytes[at % seed.bytes.length] = value;
    return { ...seed, bytes, origLen: Math.max(bytes.length, wire) };
  });
const packets: fc.Arbitrary<TestPacket[]> = fc.array(fc.oneof(noise, damaged), { maxLength: 20 });

function decode(batch: ReturnType<typeof packetBatch>, decap: boolean): readonly unknown[] {
  const out = createDecodedBatch(batch.capacity);
  new Decoder({ decap }).decode(batch, out);
  const transportOf = (i: number): number | undefined => out.transportAt[i] && out.transportAt[i]! - batch.offset[i]!;
  const rows = Array.from({ length: batch.count }, (_, i) =>
    out.status[i] === DecodeStatus.Ok
      ? [
          ...out.key.subarray(i * KEY_WORDS, (i + 1) * KEY_WORDS),
          out.ipBytes[i],
          out.tcpFlags[i],
          out.tcpSeq[i],
          transportOf(i),
        ]
      : out.status[i],
  );
  return [rows, batch.ifindex.slice(0, batch.count), batch.pktType.slice(0, batch.count)];
}

test('decoding never throws, and never reads octets outside a packet: they do not change the result', () => {
  fc.assert(
    fc.property(packets, fc.boolean(), (all, decap) => {
      const first = decode(packetBatch(all, 0x00), decap);
      for (const guard of [0x08, 0x45, 0x60, 0xff]) assert.deepEqual(decode(packetBatch(all, guard), decap), first);
    }),
    { numRuns: 2000 },
  );
});

test('a packet at the very end of the buffer is not read beyond it', () => {
  fc.assert(
    fc.property(packets, fc.boolean(), (all, decap) => {
      for (const packet of all) {
        const batch = packetBatch([packet]);
        const tight = { ...batch, bytes: batch.bytes.slice(8, 8 + packet.bytes.length), offset: new Uint32Array(1) };
        assert.deepEqual(decode(tight, decap), decode(batch, decap));
      }
    }),
    { numRuns: 1000 },
  );
});

test('counts of all statuses add up to the packets and bytes given', () => {
  fc.assert(
    fc.property(packets, (all) => {
      const batch = packetBatch(all);
      const decoder = new Decoder();
      decoder.decode(batch, createDecodedBatch(batch.capacity));
      const sum = (column: Float64Array): number => column.reduce((total, n) => total + n, 0);
      assert.equal(sum(decoder.counts.packets), all.length);
      assert.equal(
        sum(decoder.counts.bytes),
        all.reduce((total, p) => total + (p.origLen ?? p.bytes.length), 0),
      );
    }),
  );
});

test('IP bytes are never more than what the frame had room for', () => {
  fc.assert(
    fc.property(packets, fc.boolean(), (all, decap) => {
      const batch = packetBatch(all);
      const out = createDecodedBatch(batch.capacity);
      new Decoder({ decap }).decode(batch, out);
      for (let i = 0; i < batch.count; i++) {
        if (out.status[i] === DecodeStatus.Ok) assert.ok(out.ipBytes[i]! <= batch.origLen[i]!);
      }
    }),
  );
});
