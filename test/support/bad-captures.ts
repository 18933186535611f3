/** Captures that are broken, each in one way, and files that are none; captures/make-captures.mjs writes them. */
import { crc32 } from 'node:zlib';
import type { FileCapture } from './file-captures.ts';
import { ethernet, ipv4, pcapFile, udp } from './packets.ts';
import { type Block, block, enhancedPacket, interfaceBlock, pcapng, section, words } from './pcapng-file.ts';

export interface BadCapture extends FileCapture {
  readonly octet: number; // where the damage begins
  readonly isRefused: boolean; // not even the beginning is a capture
}

const SEC = 1_767_225_600; // 2026-01-01T00:00:00Z
const GLOBAL_HEADER = 24;
const RECORD_HEADER = 16;

const frame = (port: number): Uint8Array =>
  ethernet(ipv4({ src: '192.0.2.10', dst: '198.51.100.20' }, udp({ src: port, dst: 53, payload: 40 })));
/** So many that tshark, which looks at the first 20 before it decides what a file is, does not look at the last. */
const GOOD = 24;
const records = (port: number) =>
  Array.from({ length: GOOD + 1 }, (_, i) => ({ bytes: frame(port), sec: SEC + i, fraction: 250_000 }));
const LAST = GLOBAL_HEADER + GOOD * (RECORD_HEADER + frame(0).length); // octet of the last record

/** Noise, always the same: multiplication modulo 2^16 + 1, of which 75 is a primitive root. */
function noise(octets: number): number[] {
  let x = 1;
  return Array.from({ length: octets }, () => {
    x = (x * 75) % 65_537;
    return x & 255;
  });
}

const bad = (name: string, octet: number, bytes: Iterable<number>): BadCapture => ({
  name,
  octet,
  isRefused: false,
  bytes: Uint8Array.from(bytes),
});
const refused = (name: string, text: string): BadCapture => ({
  name,
  octet: 0,
  isRefused: true,
  bytes: new Uint8Array(Buffer.from(text)),
});

/** The last record says that it is `captured` octets long. */
function longRecord(captured: number): Uint8Array {
  const file = pcapFile(records(7004));
  new DataView(file.buffer).setUint32(LAST + 8, captured, true);
  return file;
}

/** A good packet, `wrong`, and a good packet. */
function around(name: string, port: number, wrong: Block): BadCapture {
  const packet = (second: number): Block =>
    enhancedPacket({ bytes: frame(port), time: BigInt(SEC + second) * 1_000_000n });
  const before = pcapng(section(), interfaceBlock(), packet(0));
  return bad(name, before.length, pcapng(section(), interfaceBlock(), packet(0), wrong, packet(1)));
}

/** RFC 1952, with what is inside as it is: the same octets whoever packs it. */
function gzip(bytes: Uint8Array): number[] {
  const little = (n: number, octets: number): number[] =>
    Array.from({ length: octets }, (_, i) => (n >>> (8 * i)) & 255);
  const header = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3];
  const stored = [1, ...little(bytes.length, 2), ...little(~bytes.length, 2), ...bytes];
  return [...header, ...stored, ...little(crc32(bytes), 4), ...little(bytes.length, 4)];
}

export const BAD_CAPTURES: readonly BadCapture[] = [
  bad('cut-header.pcap', 20, pcapFile([]).subarray(0, 20)),
  bad('cut-record.pcap', LAST, pcapFile(records(7002)).subarray(0, LAST + 7)),
  bad('cut-packet.pcap', LAST, pcapFile(records(7003)).subarray(0, -5)),
  bad('long-record.pcap', LAST, longRecord(0xfffffff0)),
  bad('noise.pcap', LAST, [...pcapFile(records(7005)).subarray(0, LAST), ...noise(200)]),
  around('short-block.pcapng', 7006, () => [6, 8].flatMap((n) => [...words('little').u32(n)])),
  around('unequal-block.pcapng', 7007, (order) => [...block(0x7777, () => [1, 2, 3, 4])(order)].fill(0xff, -4)),
  around('long-packet.pcapng', 7008, (order) => [...enhancedPacket({ bytes: frame(7008) })(order)].fill(0xff, 20, 22)),
  bad('cut.pcap.gz', LAST, gzip(pcapFile(records(7009))).slice(0, -20)),
  refused('empty.pcap', ''),
  refused('text.pcap', 'tcpdump: eth0: You do not have permission to capture on that device\n'),
];
