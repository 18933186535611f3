import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createDecodedBatch, DecodeStatus } from '../../../src/core/decoded.ts';
import { LinkType } from '../../../src/core/packet.ts';
import { Decoder } from '../../../src/decode/decode-batch.ts';
import { ethernet, ipv4, packetBatch, tcp, udp } from '../../support/packets.ts';

const ends = { src: '10.0.0.1', dst: '10.0.0.2' };

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
