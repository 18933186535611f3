import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { DecodeStatus } from '../../../src/core/decoded.ts';
import { LinkType } from '../../../src/core/packet.ts';
import { K_SCOPE, keyIpVersion } from '../../../src/core/tuple.ts';
import { decodeOne } from '../../support/decode-one.ts';
import { authentication, ethernet, extension, fragment6, ipv6, sll2, tcp, udp } from '../../support/packets.ts';

const ends = { src: '2001:db8::1', dst: '2001:db8::2' };
const LINK = 14;
const dns = udp({ src: 4000, dst: 53, payload: 20 });
const TUPLE = '17 2001:db8::1:4000 2001:db8::2:53';

describe('decodeIpv6()', () => {
  test('decodeIpv6() reads addresses, ports and length', () => {
    const { tuple, out } = decodeOne({ bytes: ethernet(ipv6(ends, tcp({ src: 1, dst: 2, flags: 18, seq: 9 }))) });
    assert.equal(tuple, '6 2001:db8::1:1 2001:db8::2:2');
    assert.equal(keyIpVersion(out.key), 6);
    assert.deepEqual([out.ipBytes[0], out.tcpFlags[0], out.tcpSeq[0]], [60, 18, 9]);
  });

  for (const [name, inner] of [
    ['hop-by-hop options', extension(0, dns)],
    ['a routing header', extension(43, dns, 2)],
    ['destination options', extension(60, dns, 31)],
    ['an authentication header', authentication(dns)],
    ['an atomic fragment', fragment6({ id: 1, offset: 0, more: false }, dns)],
    ['all of them', extension(0, extension(60, extension(43, authentication(extension(60, dns)), 4)))],
  ] as const) {
    test(`decodeIpv6() finds the ports behind ${name}`, () => {
      assert.equal(decodeOne({ bytes: ethernet(ipv6(ends, inner)) }).tuple, TUPLE);
    });
  }

  test('decodeIpv6() follows extension headers as long as the packet lasts', () => {
    let inner = dns;
    for (let depth = 0; depth < 1000; depth++) inner = extension(60, inner);
    assert.equal(decodeOne({ bytes: ethernet(ipv6(ends, inner)) }).tuple, TUPLE);
  });

  test('decodeIpv6() keeps the addresses when an extension header is cut or longer than the packet', () => {
    const cut = ethernet(ipv6(ends, extension(0, dns))).subarray(0, LINK + 47);
    assert.equal(decodeOne({ bytes: cut }).tuple, '0 2001:db8::1:0 2001:db8::2:0');
    const long = ethernet(ipv6(ends, { protocol: 60, bytes: [17, 255, 0, 0, 0, 0, 0, 0] }));
    assert.equal(decodeOne({ bytes: long }).tuple, '17 2001:db8::1:0 2001:db8::2:0');
  });

  test('decodeIpv6() stops at ESP and at "no next header"', () => {
    for (const protocol of [50, 59]) {
      const { tuple } = decodeOne({ bytes: ethernet(ipv6(ends, { protocol, bytes: [1, 2, 3, 4, 5, 6, 7, 8] })) });
      assert.equal(tuple, `${protocol} 2001:db8::1:0 2001:db8::2:0`);
    }
  });

  test('decodeIpv6() reports Truncated when the header is cut', () => {
    const bytes = ethernet(ipv6(ends, dns)).subarray(0, LINK + 39);
    assert.equal(decodeOne({ bytes }).status, DecodeStatus.Truncated);
  });

  test('decodeIpv6() reports Malformed for another version', () => {
    const bytes = ethernet(ipv6(ends, dns));
    bytes[LINK] = 0x45;
    assert.equal(decodeOne({ bytes }).status, DecodeStatus.Malformed);
  });

  test('decodeIpv6() counts the frame of a jumbogram and of a length that the frame cannot hold', () => {
    const jumbo = ethernet(ipv6({ ...ends, payloadLength: 0 }, dns));
    assert.equal(decodeOne({ bytes: jumbo, origLen: 100_000 }).out.ipBytes[0], 100_000 - LINK);
    for (const payloadLength of [29, 9000]) {
      const lie = ethernet(ipv6({ ...ends, payloadLength }, dns));
      assert.equal(decodeOne({ bytes: lie }).out.ipBytes[0], 40 + 28);
    }
  });

  test('decodeIpv6() takes the length of a jumbogram from its option, unless the frame cannot hold it', () => {
    const word = (n: number): number[] => [n >>> 24, (n >>> 16) & 255, (n >>> 8) & 255, n & 255];
    const jumbo = (length: number, ...before: number[]): Uint8Array => {
      const options = [...before, 0xc2, 4, ...word(length)];
      const header = [17, (options.length - 6) / 8, ...options, ...dns.bytes];
      return ethernet(ipv6({ ...ends, payloadLength: 0 }, { protocol: 0, bytes: header }));
    };
    const octets = (bytes: Uint8Array): number => decodeOne({ bytes, origLen: 100_018 }).out.ipBytes[0]!;
    assert.equal(octets(jumbo(70_000)), 70_040);
    assert.equal(octets(jumbo(70_000, 0, 1, 0, 1, 2, 0, 0, 0)), 70_040, 'behind padding of one, two and more octets');
    assert.equal(octets(jumbo(99_965)), 100_004, 'a lie');
    assert.equal(octets(jumbo(100)), 100_004, 'a lie');
    assert.equal(decodeOne({ bytes: jumbo(70_000) }).tuple, TUPLE);
  });

  test('decodeIpv6() finds the ports behind extension headers in an order that no standard allows', () => {
    const chain = extension(60, extension(0, extension(43, extension(0, authentication(extension(0, dns))), 1)));
    assert.equal(decodeOne({ bytes: ethernet(ipv6(ends, chain)) }).tuple, TUPLE);
  });

  for (const [name, ends, scope] of [
    ['a link-local source', { src: 'fe80::1', dst: 'ff02::fb' }, 5],
    ['a link-local destination', { src: '::', dst: 'febf::1' }, 5],
    ['global addresses', { src: '2001:db8::1', dst: 'fec0::1' }, 0],
  ] as const) {
    test(`decodeIpv6() sets the scope for ${name} to ${scope === 0 ? 'nothing' : 'the interface'}`, () => {
      const { out } = decodeOne({ bytes: sll2(5, 0, ipv6(ends, dns)), linkType: LinkType.LinuxSll2 });
      assert.equal(out.key[K_SCOPE], scope);
    });
  }
});
