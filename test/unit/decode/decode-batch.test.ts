import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createDecodedBatch, DecodeStatus } from '../../../src/core/decoded.ts';
import { LinkType } from '../../../src/core/packet.ts';
import { KEY_WORDS, packMeta } from '../../../src/core/tuple.ts';
import { Decoder } from '../../../src/decode/decode-batch.ts';
import { ethernet, extension, ipv4, ipv6, packetBatch, tcp, udp, vlan } from '../../support/packets.ts';

const ends = { src: '10.0.0.1', dst: '10.0.0.2' };

test('Decoder names the link type inside PPI and PKTAP that it does not know, not theirs', () => {
  const decoder = new Decoder();
  const ppi = [0, 0, 8, 0, 195, 0, 0, 0];
  const pktap = [108, 0, 0, 0, 1, 0, 0, 0, 189, 0, 0, 0, ...new Array<number>(96).fill(0)];
  const batch = packetBatch([
    { bytes: Uint8Array.from([...ppi, 1, 2, 3]), linkType: 192 },
    { bytes: Uint8Array.from([...pktap, 1, 2, 3]), linkType: 258 },
  ]);
  decoder.decode(batch, createDecodedBatch(batch.capacity));
  assert.deepEqual([...decoder.counts.unsupported.keys()], [195, 189]);
});

test('Decoder counts packets and bytes of each status, IP bytes, and link types it does not know', () => {
  const decoder = new Decoder();
  const good = ethernet(ipv4(ends, udp({ src: 1, dst: 2, payload: 10 })));
  const batch = packetBatch([
    { bytes: good },
    { bytes: good.subarray(0, 20), origLen: 1000 },
    { bytes: ethernet({ etherType: 0x0806, bytes: [0, 1] }) },
    { bytes: good, linkType: 195 },
    { bytes: good, linkType: 195 },
    { bytes: ethernet({ etherType: 0x0800, bytes: new Array<number>(40).fill(0) }) },
  ]);
  const out = createDecodedBatch(batch.capacity);
  decoder.decode(batch, out);
  const { Ok, Truncated, NotIp, Unsupported, Malformed } = DecodeStatus;
  assert.deepEqual([...out.status], [Ok, Truncated, NotIp, Unsupported, Unsupported, Malformed]);
  assert.deepEqual([...decoder.counts.packets], [1, 1, 1, 1, 2]);
  assert.deepEqual([...decoder.counts.bytes], [14 + 38, 1000, 54, 16, 2 * (14 + 38)]);
  assert.equal(decoder.counts.ipBytes, 38);
  assert.deepEqual([...decoder.counts.unsupported], [[195, 2]]);
});

test('Decoder leaves nothing of an earlier packet in a row', () => {
  const decoder = new Decoder();
  const out = createDecodedBatch(1);
  decoder.decode(packetBatch([{ bytes: ethernet(ipv4(ends, tcp({ src: 5, dst: 6, flags: 2, seq: 77 }))) }]), out);
  assert.deepEqual([out.tcpFlags[0], out.tcpSeq[0]], [2, 77]);
  decoder.decode(packetBatch([{ bytes: ethernet(ipv4(ends, { protocol: 47, bytes: [0, 0, 8, 0] })) }]), out);
  assert.deepEqual([out.tcpFlags[0], out.tcpSeq[0], out.key[1]], [0, 0, 0]);
});

test('Decoder follows batches with other buffers', () => {
  const decoder = new Decoder();
  const out = createDecodedBatch(1);
  for (const dst of [7, 8, 9]) {
    const bytes = ethernet(ipv4(ends, udp({ src: 1, dst })));
    decoder.decode(packetBatch([{ bytes, linkType: LinkType.Ethernet }]), out);
    assert.equal(out.key[1], (1 << 16) | dst);
  }
});

test('Decoder puts the namespace of the batch into every key', () => {
  const decoder = new Decoder();
  const [first, later] = [true, false].map((more) =>
    ethernet(ipv4({ ...ends, id: 7, more, offset: more ? 0 : 16 }, udp({ src: 1, dst: 2, payload: 8 }))),
  );
  const six = ethernet(ipv6({ src: '2001:db8::1', dst: '2001:db8::2' }, extension(60, udp({ src: 1, dst: 2 }))));
  for (const netns of [3, 0, 0xffff]) {
    const batch = packetBatch([{ bytes: first! }, { bytes: later! }, { bytes: six }]);
    batch.netns = netns;
    const out = createDecodedBatch(3);
    decoder.decode(batch, out);
    const metas = [0, 1, 2].map((i) => out.key[i * KEY_WORDS]);
    assert.deepEqual(metas, [packMeta(17, 4, netns), packMeta(17, 4, netns), packMeta(17, 6, netns)]);
  }
});

test('Decoder says where the IP header begins', () => {
  const batch = packetBatch([
    { bytes: ethernet(ipv4(ends, udp({ src: 1, dst: 2 }))) },
    { bytes: ethernet(vlan(0x8100, ipv6({ src: '2001:db8::1', dst: '2001:db8::2' }, udp({ src: 1, dst: 2 })))) },
  ]);
  const out = createDecodedBatch(2);
  new Decoder().decode(batch, out);
  assert.deepEqual([...out.ipAt], [batch.offset[0]! + 14, batch.offset[1]! + 18]);
});
