import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { keyIpVersion } from '../../../src/core/tuple.ts';
import { decodeOne } from '../../support/decode-one.ts';
import { authentication, ethernet, icmp, ipv4, ipv6, other, tcp } from '../../support/packets.ts';

const ends = { src: '10.0.0.1', dst: '10.0.0.2' };
const ends6 = { src: '2001:db8::1', dst: '2001:db8::2' };
const HEADERS = 14 + 20;

describe('decodeTransport()', () => {
  for (const [name, protocol] of [
    ['UDP-Lite', 136],
    ['SCTP', 132],
    ['DCCP', 33],
  ] as const) {
    test(`decodeTransport() reads the ports of ${name}`, () => {
      const { tuple } = decodeOne({ bytes: ethernet(ipv4(ends, other(protocol, 65535, 32768))) });
      assert.equal(tuple, `${protocol} 10.0.0.1:65535 10.0.0.2:32768`);
    });
  }

  test('decodeTransport() gives other protocols no ports', () => {
    for (const protocol of [2, 4, 41, 47, 50, 255]) {
      const { tuple } = decodeOne({ bytes: ethernet(ipv4(ends, other(protocol, 1, 2))) });
      assert.equal(tuple, `${protocol} 10.0.0.1:0 10.0.0.2:0`);
    }
  });

  test('decodeTransport() finds the ports behind authentication headers of IPv4, and is content without', () => {
    const twice = authentication(authentication(tcp({ src: 7, dst: 8, flags: 2, seq: 5 })));
    const { tuple, out } = decodeOne({ bytes: ethernet(ipv4(ends, twice)) });
    assert.equal(tuple, '6 10.0.0.1:7 10.0.0.2:8');
    assert.deepEqual([out.tcpFlags[0], out.tcpSeq[0], keyIpVersion(out.key)], [2, 5, 4]);
    const cut = decodeOne({ bytes: ethernet(ipv4(ends, twice)).subarray(0, HEADERS + 35) });
    assert.equal(cut.tuple, '51 10.0.0.1:0 10.0.0.2:0');
  });

  test('decodeTransport() says where the transport header is, and that a fragment and an empty packet have none', () => {
    assert.equal(decodeOne({ bytes: ethernet(ipv4(ends, tcp({ src: 1, dst: 2 }))) }).out.transportAt[0], 8 + HEADERS);
    for (const network of [
      ipv4({ ...ends, offset: 800 }, tcp({ src: 1, dst: 2 })),
      ipv4(ends, { protocol: 50, bytes: [] }),
    ])
      assert.equal(decodeOne({ bytes: ethernet(network) }).out.transportAt[0], 0);
  });

  test('decodeTransport() takes of a cut TCP header what is there', () => {
    const whole = ethernet(ipv4(ends, tcp({ src: 3, dst: 4, flags: 17, seq: 0xffffffff })));
    for (const [octets, ports, seq, flags] of [
      [3, '0 0', 0, 0],
      [4, '3 4', 0, 0],
      [7, '3 4', 0, 0],
      [8, '3 4', 0xffffffff, 0],
      [13, '3 4', 0xffffffff, 0],
      [14, '3 4', 0xffffffff, 17],
    ] as const) {
      const { tuple, out } = decodeOne({ bytes: whole.subarray(0, HEADERS + octets) });
      const [src, dst] = ports.split(' ');
      assert.equal(tuple, `6 10.0.0.1:${src} 10.0.0.2:${dst}`, `${octets} octets`);
      assert.deepEqual([out.tcpSeq[0], out.tcpFlags[0]], [seq, flags], `${octets} octets`);
    }
  });
});

describe('decodeIcmp()', () => {
  for (const [name, network, tuple] of [
    ['a request', ipv4(ends, icmp(1, 8, 4711)), '1 10.0.0.1:4711 10.0.0.2:0'],
    ['a reply', ipv4(ends, icmp(1, 0, 4711)), '1 10.0.0.1:0 10.0.0.2:4711'],
    ['an ICMPv6 request', ipv6(ends6, icmp(58, 128, 65535)), '58 2001:db8::1:65535 2001:db8::2:0'],
    ['an ICMPv6 reply', ipv6(ends6, icmp(58, 129, 65535)), '58 2001:db8::1:0 2001:db8::2:65535'],
  ] as const) {
    test(`decodeIcmp() puts the identifier of ${name} at the end that asks`, () => {
      assert.equal(decodeOne({ bytes: ethernet(network) }).tuple, tuple);
    });
  }

  test('decodeIcmp() gives errors and cut messages no identifier', () => {
    const error = ethernet(ipv4(ends, icmp(1, 3, 9)));
    const cut = ethernet(ipv4(ends, icmp(1, 8, 9))).subarray(0, HEADERS + 5);
    for (const bytes of [error, cut]) assert.equal(decodeOne({ bytes }).tuple, '1 10.0.0.1:0 10.0.0.2:0');
  });

  test('decodeIcmp() does not take the types of the other version', () => {
    assert.equal(decodeOne({ bytes: ethernet(ipv4(ends, icmp(1, 128, 9))) }).tuple, '1 10.0.0.1:0 10.0.0.2:0');
    const reply = ethernet(ipv6(ends6, icmp(58, 0, 9)));
    assert.equal(decodeOne({ bytes: reply }).tuple, '58 2001:db8::1:0 2001:db8::2:0');
  });
});
