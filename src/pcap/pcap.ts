/** The classic capture file format, draft-ietf-opsawg-pcap, and its variants; pure parsing over octets of others. */
import { UserError } from '../core/errors.ts';
import type { FastPath } from '../core/fast-path.ts';
import { type PacketBatch, PacketType } from '../core/packet.ts';
import { isPktap } from './packet-notes.ts';
import { isLargerThanRoom, longestPacket, type Stretch, type Walker } from './stretch.ts';

const MINOR = 6; // octets from the file header's start
const MAJOR = 4;
const LINK_TYPE = 20; // low 16 bits; above them the length of a frame check sequence, which is part of every frame

const FRACTION = 4; // octets from the record's start
const CAPTURED = 8;
const ORIGINAL = 12;
const RECORD_HEADER = 16;

/** The record header of Alexey Kuznetzov's patch to libpcap is longer. */
const IFINDEX = 16;
const PACKET_TYPE = 22; // sll_pkttype; before it the EtherType, behind it an octet of nothing
const MODIFIED_RECORD_HEADER = 24;

interface Order {
  readonly littleEndian: boolean;
  readonly nanosecond: boolean; // else microseconds
  readonly modified: boolean; // records have Kuznetzov's header
}

const MAGICS: readonly (readonly [magic: number, kind: Omit<Order, 'littleEndian'>])[] = [
  [0xa1b2c3d4, { nanosecond: false, modified: false }],
  [0xa1b23c4d, { nanosecond: true, modified: false }],
  [0xa1b2cd34, { nanosecond: false, modified: true }],
];

/** How the first four octets say that this pcap file is written; undefined: they are of no pcap file. */
export function pcapOrder(bytes: Uint8Array): Order | undefined {
  if (bytes.length < 4) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, 4);
  for (const littleEndian of [true, false]) {
    const magic = view.getUint32(0, littleEndian);
    const found = MAGICS.find(([one]) => one === magic);
    if (found !== undefined) return { ...found[1], littleEndian };
  }
  return undefined;
}

/** Whether the two lengths of a record changed places: always before version 2.3, in 2.3 at times, and in 543.0. */
const Swap = { Never: 0, WhenLonger: 1, Always: 2 } as const;

/** sf_check_header() of libpcap's sf-pcap.c. @returns undefined for a version that nobody ever wrote */
function swapOf(major: number, minor: number): number | undefined {
  if (major === 543 && minor === 0) return Swap.Always; // DG/UX
  if (major !== 2 || minor > 4) return undefined;
  if (minor === 4) return Swap.Never;
  return minor === 3 ? Swap.WhenLonger : Swap.Always;
}

/** Records of one file. */
export class PcapWalker implements Walker {
  readonly #order: Order;
  readonly hasPktap: boolean;
  readonly #linkType: number;
  readonly #swap: number;
  readonly #header: number; // octets of a record's header
  readonly #fast: FastPath | undefined;
  readonly #range = new Uint32Array(2);

  /**
   * @param bytes the file's header, 24 octets, with a magic that pcapOrder() knows
   * @param fast walks over most records
   * @throws UserError when the version is not known
   */
  constructor(bytes: Uint8Array, name: string, fast?: FastPath) {
    const order = pcapOrder(bytes)!;
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    const major = view.getUint16(MAJOR, order.littleEndian);
    const minor = view.getUint16(MINOR, order.littleEndian);
    const swap = swapOf(major, minor);
    if (swap === undefined) {
      const what = `${name} is a pcap file of version ${major}.${minor}, only 2.0 to 2.4 are read`;
      throw new UserError('not-pcap', what, 'Convert it: editcap -F pcapng IN OUT.pcapng');
    }
    this.#order = order;
    this.#fast = order.modified || swap !== Swap.Never ? undefined : fast;
    this.#swap = swap;
    this.#linkType = view.getUint32(LINK_TYPE, order.littleEndian) & 0xffff;
    this.hasPktap = isPktap(this.#linkType);
    this.#header = order.modified ? MODIFIED_RECORD_HEADER : RECORD_HEADER;
  }

  walk(stretch: Stretch, batch: PacketBatch): void {
    const { bytes, offset, capLen, origLen, sec, nsec, capacity } = batch;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const { littleEndian, nanosecond, modified } = this.#order;
    const header = this.#header;
    const longest = longestPacket(this.#linkType);
    const { have } = stretch;
    let count = this.#fast === undefined ? 0 : this.#walkFast(this.#fast, stretch, batch, longest);
    let at = stretch.from;
    while (count < capacity && have - at >= header) {
      let captured = view.getUint32(at + CAPTURED, littleEndian);
      let original = view.getUint32(at + ORIGINAL, littleEndian);
      if (this.#swap !== Swap.Never && (this.#swap === Swap.Always || captured > original)) {
        [captured, original] = [original, captured];
      }
      if (captured > longest) {
        stretch.damage = `record of ${captured} octets, at most ${longest} are possible`;
        break;
      }
      const packet = at + header;
      let next = packet + captured;
      if (next > have) {
        if (!isLargerThanRoom(stretch, at, header + captured, bytes.length)) break;
        stretch.skip = next - have;
        next = have;
      }
      const fraction = view.getUint32(at + FRACTION, littleEndian);
      const unit = nanosecond ? fraction : fraction * 1000;
      offset[count] = packet;
      capLen[count] = next - packet;
      origLen[count] = Math.max(original, captured); // some writers left it 0
      sec[count] = view.getUint32(at, littleEndian);
      nsec[count] = unit;
      if (unit >= 1e9) carrySeconds(batch, count, unit);
      if (modified) {
        batch.ifindex[count] = view.getUint32(at + IFINDEX, littleEndian);
        batch.pktType[count] = bytes[at + PACKET_TYPE]!;
      }
      count++;
      at = next;
    }
    batch.count = count;
    stretch.from = at;
    batch.linkType.fill(this.#linkType, 0, count);
    if (modified) return;
    batch.ifindex.fill(0, 0, count);
    batch.pktType.fill(PacketType.Unknown, 0, count);
  }

  /** @returns rows; the stretch begins behind them */
  #walkFast(fast: FastPath, stretch: Stretch, batch: PacketBatch, longest: number): number {
    const { bytes, offset, capLen, origLen, sec, nsec } = batch;
    const { littleEndian, nanosecond } = this.#order;
    const range = this.#range;
    range[0] = stretch.from;
    range[1] = stretch.have;
    const [little, nano] = [littleEndian ? 1 : 0, nanosecond ? 1 : 0] as const;
    const count = fast.walkPcap(bytes, range, little, nano, longest, offset, capLen, origLen, sec, nsec);
    stretch.from = range[0];
    return count;
  }

  endsInside(waiting: number): string | undefined {
    if (waiting === 0) return undefined;
    return waiting < this.#header ? 'a record header' : 'a packet';
  }
}

/** A fraction of a second or more: no proper writer makes it, but the sum is still a time. */
function carrySeconds(batch: PacketBatch, i: number, nanoseconds: number): void {
  batch.sec[i]! += Math.floor(nanoseconds / 1e9);
  batch.nsec[i] = nanoseconds % 1e9;
}
