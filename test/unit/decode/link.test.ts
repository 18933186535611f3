import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { DecodeStatus } from '../../../src/core/decoded.ts';
import { LinkType, PacketType } from '../../../src/core/packet.ts';
import { decodeOne } from '../../support/decode-one.ts';
import { ethernet, ipv4, ipv6, type Network, nullLink, raw, sll, sll2, udp, vlan } from '../../support/packets.ts';

const v4 = ipv4({ src: '192.0.2.1', dst: '192.0.2.2' }, udp({ src: 1000, dst: 53 }));
const v6 = ipv6({ src: '2001:db8::1', dst: '2001:db8::2' }, udp({ src: 1000, dst: 53 }));
const V4 = '17 192.0.2.1:1000 192.0.2.2:53';
const V6 = '17 2001:db8::1:1000 2001:db8::2:53';

describe('decodeLink()', () => {
  const cases: readonly (readonly [string, number, Uint8Array, string])[] = [
    ['Ethernet with IPv4', LinkType.Ethernet, ethernet(v4), V4],
    ['Ethernet with IPv6', LinkType.Ethernet, ethernet(v6), V6],
    ['802.1Q', LinkType.Ethernet, ethernet(vlan(0x8100, v4)), V4],
    ['QinQ', LinkType.Ethernet, ethernet(vlan(0x88a8, vlan(0x8100, v6))), V6],
    ['the old QinQ type', LinkType.Ethernet, ethernet(vlan(0x9100, vlan(0x8100, v4))), V4],
    ['SLL', LinkType.LinuxSll, sll(4, v4), V4],
    ['SLL with a VLAN tag', LinkType.LinuxSll, sll(4, vlan(0x8100, v4)), V4],
    ['SLL2', LinkType.LinuxSll2, sll2(3, 0, v6), V6],
    ['NULL of a little-endian machine', LinkType.Null, nullLink(2, 'little', v4), V4],
    ['NULL of a big-endian machine', LinkType.Null, nullLink(2, 'big', v4), V4],
    ['LOOP', LinkType.Loop, nullLink(2, 'big', v4), V4],
    ['raw IP with IPv4', LinkType.Raw, raw(v4), V4],
    ['raw IP with IPv6', LinkType.Raw, raw(v6), V6],
    ['raw IP by its number 12', 12, raw(v4), V4],
    ['raw IP by its number 14', 14, raw(v6), V6],
    ['IPv4 alone', LinkType.Ipv4, raw(v4), V4],
    ['IPv6 alone', LinkType.Ipv6, raw(v6), V6],
  ];
  for (const [name, linkType, bytes, tuple] of cases) {
    test(`decodeLink() finds the tuple behind ${name}`, () => {
      assert.equal(decodeOne({ bytes, linkType }).tuple, tuple);
    });
  }

  for (const family of [10, 24, 28, 30]) {
    test(`decodeLink() takes address family ${family} in NULL for IPv6 in both byte orders`, () => {
      for (const order of ['little', 'big'] as const) {
        const bytes = nullLink(family, order, v6);
        assert.equal(decodeOne({ bytes, linkType: LinkType.Null }).tuple, V6);
      }
    });
  }

  test('decodeLink() follows VLAN tags as deep as the packet is long', () => {
    let network: Network = v4;
    for (let depth = 0; depth < 1000; depth++) network = vlan(0x8100, network);
    assert.equal(decodeOne({ bytes: ethernet(network) }).tuple, V4);
  });

  test('decodeLink() takes interface and packet type from SLL2', () => {
    const { batch } = decodeOne({ bytes: sll2(7, PacketType.Outgoing, v4), linkType: LinkType.LinuxSll2 });
    assert.deepEqual([batch.ifindex[0], batch.pktType[0]], [7, PacketType.Outgoing]);
  });

  test('decodeLink() takes the packet type from SLL and leaves the interface', () => {
    const { batch } = decodeOne({ bytes: sll(2, v4), linkType: LinkType.LinuxSll, ifindex: 9 });
    assert.deepEqual([batch.ifindex[0], batch.pktType[0]], [9, PacketType.Multicast]);
  });

  test('decodeLink() leaves no earlier interface in the row of a cut SLL2 header', () => {
    const bytes = sll2(7, 0, v4).subarray(0, 19);
    const { batch, status } = decodeOne({ bytes, linkType: LinkType.LinuxSll2, ifindex: 5, pktType: 0 });
    assert.equal(status, DecodeStatus.Truncated);
    assert.deepEqual([batch.ifindex[0], batch.pktType[0]], [0, PacketType.Unknown]);
  });

  const cuts: readonly (readonly [string, number, Uint8Array])[] = [
    ['Ethernet header', LinkType.Ethernet, ethernet(v4).subarray(0, 13)],
    ['VLAN tag', LinkType.Ethernet, ethernet(vlan(0x8100, v4)).subarray(0, 17)],
    ['SLL header', LinkType.LinuxSll, sll(0, v4).subarray(0, 15)],
    ['NULL header', LinkType.Null, nullLink(2, 'big', v4).subarray(0, 3)],
    ['raw packet of no octets', LinkType.Raw, new Uint8Array(0)],
  ];
  for (const [name, linkType, bytes] of cuts) {
    test(`decodeLink() reports Truncated for a cut ${name}`, () => {
      assert.equal(decodeOne({ bytes, linkType }).status, DecodeStatus.Truncated);
    });
  }

  test('decodeLink() reports NotIp for ARP, an 802.3 length and an unknown address family', () => {
    const arp: Network = { etherType: 0x0806, bytes: new Array<number>(28).fill(1) };
    const length: Network = { etherType: 38, bytes: [0x42, 0x42, 3] };
    assert.equal(decodeOne({ bytes: ethernet(arp) }).status, DecodeStatus.NotIp);
    assert.equal(decodeOne({ bytes: ethernet(length) }).status, DecodeStatus.NotIp);
    assert.equal(decodeOne({ bytes: nullLink(7, 'big', v4), linkType: LinkType.Null }).status, DecodeStatus.NotIp);
  });

  test('decodeLink() reports Malformed for raw IP of neither version', () => {
    assert.equal(decodeOne({ bytes: Uint8Array.of(0x50, 0), linkType: LinkType.Raw }).status, DecodeStatus.Malformed);
  });

  test('decodeLink() reports Unsupported for a link type without IP', () => {
    assert.equal(decodeOne({ bytes: ethernet(v4), linkType: 189 }).status, DecodeStatus.Unsupported);
  });
});
