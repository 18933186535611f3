import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { DecodeStatus } from '../../../src/core/decoded.ts';
import { keyIpVersion } from '../../../src/core/tuple.ts';
import { decodeOne } from '../../support/decode-one.ts';
import { ethernet, ipv4, tcp, udp } from '../../support/packets.ts';

const ends = { src: '10.0.0.1', dst: '10.0.0.2' };
const LINK = 14;
const http = tcp({ src: 40000, dst: 80, payload: 100 });

describe('decodeIpv4()', () => {
  test('decodeIpv4() reads every field of a packet', () => {
    const bytes = Uint8Array.from(
      [
        '02000000000102000000000208004500',
        '003c1c4640004006b1e6ac100a63ac10',
        '0a0cd4310050a1b2c3d4000000005002',
        '2000000000000204',
      ]
        .join('')
        .match(/../g)!
        .map((octet) => Number.parseInt(octet, 16)),
    );
    const { status, tuple, out } = decodeOne({ bytes, origLen: LINK + 60 });
    assert.equal(status, DecodeStatus.Ok);
    assert.equal(tuple, '6 172.16.10.99:54321 172.16.10.12:80');
    assert.equal(keyIpVersion(out.key), 4);
    assert.deepEqual([out.ipBytes[0], out.tcpFlags[0], out.tcpSeq[0]], [60, 2, 0xa1b2c3d4]);
  });

  test('decodeIpv4() skips options', () => {
    const { tuple } = decodeOne({ bytes: ethernet(ipv4({ ...ends, headerWords: 15 }, http)) });
    assert.equal(tuple, '6 10.0.0.1:40000 10.0.0.2:80');
  });

  test('decodeIpv4() reports Truncated when the header is cut', () => {
    const bytes = ethernet(ipv4(ends, http)).subarray(0, LINK + 19);
    assert.equal(decodeOne({ bytes }).status, DecodeStatus.Truncated);
  });

  test('decodeIpv4() reports Malformed for another version', () => {
    const bytes = ethernet(ipv4(ends, http));
    bytes[LINK] = 0x65;
    assert.equal(decodeOne({ bytes }).status, DecodeStatus.Malformed);
  });

  test('decodeIpv4() keeps the addresses of a header that says it is shorter than possible', () => {
    const { tuple } = decodeOne({ bytes: ethernet(ipv4({ ...ends, headerWords: 4 }, http)) });
    assert.equal(tuple, '6 10.0.0.1:0 10.0.0.2:0');
  });

  test('decodeIpv4() keeps the addresses when options or ports are cut off', () => {
    const options = ethernet(ipv4({ ...ends, headerWords: 15 }, http)).subarray(0, LINK + 30);
    const ports = ethernet(ipv4(ends, http)).subarray(0, LINK + 23);
    for (const bytes of [options, ports]) assert.equal(decodeOne({ bytes }).tuple, '6 10.0.0.1:0 10.0.0.2:0');
  });

  test('decodeIpv4() counts the length field, not the padding of the frame', () => {
    const padded = new Uint8Array(60);
    padded.set(ethernet(ipv4(ends, udp({ src: 1, dst: 2 }))));
    assert.equal(decodeOne({ bytes: padded }).out.ipBytes[0], 28);
  });

  test('decodeIpv4() reads no ports out of padding', () => {
    const padded = new Uint8Array(60).fill(0x55);
    padded.set(ethernet(ipv4(ends, { protocol: 17, bytes: [] })));
    assert.equal(decodeOne({ bytes: padded }).tuple, '17 10.0.0.1:0 10.0.0.2:0');
  });

  test('decodeIpv4() counts the frame where the length field is 0, before segmentation', () => {
    const bytes = ethernet(ipv4({ ...ends, totalLength: 0 }, http));
    const { out, tuple } = decodeOne({ bytes, origLen: 70_000 });
    assert.equal(out.ipBytes[0], 70_000 - LINK);
    assert.equal(tuple, '6 10.0.0.1:40000 10.0.0.2:80');
  });

  for (const [name, totalLength] of [
    ['longer than the frame', 5000],
    ['shorter than its header', 19],
  ] as const) {
    test(`decodeIpv4() counts the frame where the length field is ${name}`, () => {
      const bytes = ethernet(ipv4({ ...ends, totalLength }, http));
      const { out, tuple } = decodeOne({ bytes });
      assert.equal(out.ipBytes[0], bytes.length - LINK);
      assert.equal(tuple, '6 10.0.0.1:40000 10.0.0.2:80');
    });
  }

  test('decodeIpv4() counts what was on the wire of a packet that was cut', () => {
    const bytes = ethernet(ipv4({ ...ends, totalLength: 1500 }, http)).subarray(0, 64);
    assert.equal(decodeOne({ bytes, origLen: 1514 }).out.ipBytes[0], 1500);
  });
});
