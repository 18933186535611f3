import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createDecodedBatch } from '../../../src/core/decoded.ts';
import { LinkType } from '../../../src/core/packet.ts';
import { Decoder } from '../../../src/decode/decode-batch.ts';
import { fingerprint } from '../../../src/flow/fingerprint.ts';
import {
  ethernet,
  icmp,
  ipv4,
  ipv6,
  type Network,
  packetBatch,
  sll2,
  type TestPacket,
  tcp,
  udp,
} from '../../support/packets.ts';

function of(packet: TestPacket): number {
  const batch = packetBatch([packet]);
  const decoded = createDecodedBatch(1);
  new Decoder().decode(batch, decoded);
  return fingerprint(batch, decoded, 0);
}

const ends = { src: '10.0.0.1', dst: '10.0.0.2' };
const say = (id: number, payload: readonly number[], checksum = 0): Network => {
  const { protocol, bytes } = udp({ src: 1, dst: 2, payload: payload.length });
  return ipv4({ ...ends, id }, { protocol, bytes: [...bytes.slice(0, 6), checksum, checksum, ...payload] });
};

describe('fingerprint()', () => {
  test('fingerprint() is that of the IP packet, whatever the link layer and its padding', () => {
    const packet = say(7, [1, 2, 3]);
    const frame = ethernet(packet);
    const padded = new Uint8Array(60).fill(0xaa);
    padded.set(frame);
    const same = of({ bytes: frame });
    assert.equal(of({ bytes: sll2(3, 4, packet), linkType: LinkType.LinuxSll2 }), same);
    assert.equal(of({ bytes: padded }), same);
  });

  test('fingerprint() does not see what routers change and what hardware fills in', () => {
    const frame = ethernet(say(7, [1, 2, 3]));
    const routed = frame.slice();
    routed[14 + 8] = 63; // time to live
    routed[14 + 10] = 99; // checksum of the header
    assert.equal(of({ bytes: routed }), of({ bytes: frame }));
    assert.equal(of({ bytes: ethernet(say(7, [1, 2, 3], 0x55)) }), of({ bytes: frame }));
  });

  test('fingerprint() differs with identification, length and content', () => {
    const packets = [say(7, [1, 2, 3]), say(8, [1, 2, 3]), say(7, [1, 2, 3, 0]), say(7, [1, 2, 4])];
    assert.equal(new Set(packets.map((packet) => of({ bytes: ethernet(packet) }))).size, 4);
  });

  test('fingerprint() is there for every protocol, cut or whole', () => {
    const six = { src: '2001:db8::1', dst: '2001:db8::2' };
    const all = [ipv6(six, icmp(58, 128, 5)), ipv4(ends, icmp(1, 8, 5)), ipv4(ends, tcp({ src: 1, dst: 2, seq: 77 }))];
    for (const frame of [...all, ipv4({ ...ends, headerWords: 15 }, udp({ src: 1, dst: 2 }))].map(ethernet)) {
      for (let length = 14 + 20; length <= frame.length; length++) {
        const print = of({ bytes: frame.subarray(0, length), origLen: frame.length });
        assert.ok(Number.isInteger(print));
      }
    }
  });
});
