/** The classic capture file format, draft-ietf-opsawg-pcap; pure parsing over octets that somebody else reads. */
import { UserError } from '../core/errors.ts';
import { type PacketBatch, PacketType } from '../core/packet.ts';

export const PCAP_HEADER = 24; // octets of the file header: magic, major, minor, zone, accuracy, snaplen, link type
export const RECORD_HEADER = 16; // octets of a packet's header: seconds, fraction, captured, original length

const MAGIC_MICROSECONDS = 0xa1b2c3d4;
const MAGIC_NANOSECONDS = 0xa1b23c4d;
const MINOR = 6; // octets from the file header's start
const MAJOR = 4;
const SNAPLEN = 16;
const LINK_TYPE = 20; // low 16 bits; above them is the length of a frame check sequence

const FRACTION = 4; // octets from the record's start
const CAPTURED = 8;
const ORIGINAL = 12;

/** libpcap's MAXIMUM_SNAPLEN: longer records are taken as damage unless the file announced them. */
const MAX_RECORD = 262_144; // octets

export interface PcapHeader {
  readonly littleEndian: boolean;
  readonly nanosecond: boolean; // else microseconds
  readonly snaplen: number; // as the file says, 0 and nonsense included
  readonly linkType: number; // LINKTYPE_*
}

/** Where a file stopped being in its format. Everything before `offset` was delivered. */
export interface Damage {
  readonly offset: number; // octets from the beginning of the file
  readonly what: string;
}

const OTHER_FORMATS: readonly (readonly [magic: readonly number[], what: string, hint: string])[] = [
  [[0x0a, 0x0d, 0x0d, 0x0a], 'a pcapng file, which is not read yet', 'Convert it: editcap -F pcap IN.pcapng OUT.pcap'],
  [[0x1f, 0x8b], 'compressed with gzip, which is not read yet', 'Decompress it first: gunzip -k FILE'],
  [[0x28, 0xb5, 0x2f, 0xfd], 'compressed with zstd, which is not read', 'Decompress it first: zstd -d FILE'],
  [[0xfd, 0x37, 0x7a, 0x58], 'compressed with xz, which is not read', 'Decompress it first: xz -dk FILE'],
];

/** Whether the first four octets are those of a classic pcap file. */
export function isPcap(bytes: Uint8Array): boolean {
  return byteOrder(bytes) !== undefined;
}

function byteOrder(bytes: Uint8Array): { littleEndian: boolean; nanosecond: boolean } | undefined {
  if (bytes.length < 4) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, 4);
  for (const littleEndian of [true, false]) {
    const magic = view.getUint32(0, littleEndian);
    if (magic === MAGIC_MICROSECONDS) return { littleEndian, nanosecond: false };
    if (magic === MAGIC_NANOSECONDS) return { littleEndian, nanosecond: true };
  }
  return undefined;
}

/**
 * Parses the file header, at least PCAP_HEADER octets.
 *
 * @param name what the file is called in messages
 * @throws UserError when this is another format
 */
export function parsePcapHeader(bytes: Uint8Array, name: string): PcapHeader {
  const order = byteOrder(bytes);
  if (order === undefined) throw notPcap(bytes, name);
  const view = new DataView(bytes.buffer, bytes.byteOffset, PCAP_HEADER);
  const major = view.getUint16(MAJOR, order.littleEndian);
  const minor = view.getUint16(MINOR, order.littleEndian);
  if (major !== 2 || minor !== 4) {
    const what = `${name} is a pcap file of version ${major}.${minor}, only 2.4 is read`;
    throw new UserError('not-pcap', what, 'Convert it: editcap -F pcap IN OUT.pcap');
  }
  return {
    ...order,
    snaplen: view.getUint32(SNAPLEN, order.littleEndian),
    linkType: view.getUint32(LINK_TYPE, order.littleEndian) & 0xffff,
  };
}

/** Says what a file is instead, from its first octets. */
export function notPcap(bytes: Uint8Array, name: string): UserError {
  if (bytes.length === 0) {
    return new UserError('not-pcap', `${name} is empty`, 'A capture file has at least a header of 24 octets.');
  }
  for (const [magic, what, hint] of OTHER_FORMATS) {
    if (magic.every((octet, i) => bytes[i] === octet)) return new UserError('not-pcap', `${name} is ${what}`, hint);
  }
  const hint = 'Files in the format that tcpdump -w writes are read; editcap -F pcap converts most others.';
  return new UserError('not-pcap', `${name} is not a pcap file`, hint);
}

/** A stretch of records inside batch.bytes; walkRecords() moves `from` on. */
export interface Stretch {
  from: number; // first octet that is not yet walked
  have: number; // first octet that was not read from the file
  damage: string | undefined; // the record at `from` is impossible; nothing behind it can be found
}

/**
 * Fills the columns of `batch`, from row 0, with the complete records of the stretch: nothing is copied, the packets
 * stay where they are in batch.bytes. Stops at a full batch, an incomplete record (need() says how long) or damage.
 */
export function walkRecords(header: PcapHeader, stretch: Stretch, batch: PacketBatch): void {
  const { bytes, offset, capLen, origLen, sec, nsec, capacity } = batch;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const { littleEndian, nanosecond } = header;
  const longest = Math.min(Math.max(header.snaplen, MAX_RECORD), bytes.length - RECORD_HEADER);
  const { have } = stretch;
  let at = stretch.from;
  let count = 0;
  while (count < capacity && have - at >= RECORD_HEADER) {
    const captured = view.getUint32(at + CAPTURED, littleEndian);
    if (captured > longest) {
      stretch.damage = `record of ${captured} octets, at most ${longest} are possible`;
      break;
    }
    const packet = at + RECORD_HEADER;
    if (have - packet < captured) break;
    const original = view.getUint32(at + ORIGINAL, littleEndian);
    const fraction = view.getUint32(at + FRACTION, littleEndian);
    const unit = nanosecond ? fraction : fraction * 1000;
    offset[count] = packet;
    capLen[count] = captured;
    origLen[count] = Math.max(original, captured); // some writers left it 0
    sec[count] = view.getUint32(at, littleEndian);
    nsec[count] = unit;
    if (unit >= 1e9) carrySeconds(batch, count, unit);
    count++;
    at = packet + captured;
  }
  batch.linkType.fill(header.linkType, 0, count);
  batch.ifindex.fill(0, 0, count);
  batch.pktType.fill(PacketType.Unknown, 0, count);
  batch.count = count;
  stretch.from = at;
}

/** A fraction of a second or more: no proper writer makes it, but the sum is still a time. */
function carrySeconds(batch: PacketBatch, i: number, nanoseconds: number): void {
  batch.sec[i]! += Math.floor(nanoseconds / 1e9);
  batch.nsec[i] = nanoseconds % 1e9;
}
