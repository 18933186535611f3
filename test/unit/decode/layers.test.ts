import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, test } from 'node:test';
import { DecodeStatus } from '../../../src/core/decoded.ts';
import { LinkType } from '../../../src/core/packet.ts';
import { decodeOne } from '../../support/decode-one.ts';
import { LINK_SAMPLES } from '../../support/link-layers.ts';
import { ipv4, ipv6, pcapFile, type TestPacket, tcp, udp } from '../../support/packets.ts';
import { tsharkMissing } from '../../support/tshark-pairs.ts';
import { tsharkTuples } from '../../support/tshark-tuples.ts';

const v4 = ipv4({ src: '192.0.2.1', dst: '192.0.2.2' }, tcp({ src: 1000, dst: 2000, payload: 10 }));
const v6 = ipv6({ src: '2001:db8::1', dst: '2001:db8::2' }, udp({ src: 1000, dst: 2000, payload: 20 }));
const V4 = '6 192.0.2.1:1000 192.0.2.2:2000';
const V6 = '17 2001:db8::1:1000 2001:db8::2:2000';
const BY_TSHARK = LINK_SAMPLES.filter(({ witness }) => witness === 'tshark');
const BY_TCPDUMP = LINK_SAMPLES.filter(({ witness }) => witness === 'tcpdump');

const tcpdumpMissing = (): string | false => (spawnSync('tcpdump', ['--version']).status === 0 ? false : 'no tcpdump');

function tcpdumpText(bytes: Uint8Array, linkType: number): string {
  const input = pcapFile([{ bytes }], { linkType });
  return spawnSync('tcpdump', ['-n', '-r', '-'], { input, encoding: 'utf8' }).stdout;
}

/** What is said of each sample, with its name. */
function named(all: readonly { tuple: string; ipBytes: number }[]): string[] {
  return all.map(({ tuple, ipBytes }, i) => `${BY_TSHARK[i]!.name}: ${tuple}, ${ipBytes} octets`);
}

describe('decodeLayers()', () => {
  for (const { name, linkType, frame } of LINK_SAMPLES) {
    test(`decodeLayers() finds IPv4 and IPv6 behind ${name}`, () => {
      assert.equal(decodeOne({ bytes: frame(v4), linkType }).tuple, V4);
      assert.equal(decodeOne({ bytes: frame(v6), linkType }).tuple, V6);
    });
  }

  for (const inner of [v4, v6]) {
    const title = `decodeLayers() sees behind most link layers the tuples and lengths of 0x${inner.etherType.toString(16)} that tshark sees`;
    test(title, { skip: tsharkMissing() }, () => {
      const packets = BY_TSHARK.map(({ linkType, frame }): TestPacket => ({ bytes: frame(inner), linkType }));
      const theirs = tsharkTuples(packets, 'outermost');
      assert.equal(theirs.length, packets.length);
      const ours = packets.map((packet) => {
        const { tuple, out } = decodeOne(packet);
        return { tuple, ipBytes: out.ipBytes[0]! };
      });
      assert.deepEqual(named(ours), named(theirs));
    });
  }

  test('decodeLayers() sees behind the others the tuples that tcpdump prints', { skip: tcpdumpMissing() }, () => {
    for (const { name, linkType, frame } of BY_TCPDUMP) {
      const bytes = frame(v4);
      assert.match(tcpdumpText(bytes, linkType), / 192\.0\.2\.1\.1000 > 192\.0\.2\.2\.2000: /, name);
      assert.equal(decodeOne({ bytes, linkType }).tuple, V4, name);
    }
  });

  test('decodeLayers() says Truncated, NotIp or Malformed wherever a frame is cut before its IP header', () => {
    const { Ok, Unsupported } = DecodeStatus;
    for (const { name, linkType, frame } of LINK_SAMPLES) {
      const bytes = frame(v6);
      for (let length = 0; length < bytes.length - v6.bytes.length; length++) {
        const { status } = decodeOne({ bytes: bytes.subarray(0, length), linkType });
        assert.ok(status !== Ok && status !== Unsupported, `${name} cut to ${length} octets: ${status}`);
      }
    }
  });

  test('decodeLayers() takes USER2 for PKTAP where it looks so, as older files of Apple have it', () => {
    const { frame } = LINK_SAMPLES.find(({ name }) => name === 'PKTAP')!;
    const bytes = frame(v4);
    const linkType = LinkType.User2;
    assert.equal(decodeOne({ bytes, linkType }).tuple, V4);
    const changed = (at: number, octet: number): Uint8Array => bytes.map((known, i) => (i === at ? octet : known));
    for (const other of [bytes.subarray(0, 100), changed(0, 20), changed(4, 7), changed(11, 1), Uint8Array.of()])
      assert.equal(decodeOne({ bytes: other, linkType }).status, DecodeStatus.Unsupported);
  });
});
