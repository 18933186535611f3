/** Blocks of a little-endian section, draft-ietf-opsawg-pcapng, as far as this program makes them itself. */
import type { PacketBatch } from '../core/packet.ts';
import type { Output } from './output.ts';
import { type PacketEdit, Way, wayOf } from './packet-edits.ts';
import { BlockType, Option, PacketOption } from './pcapng-blocks.ts';

const BYTE_ORDER_MAGIC = 0x1a2b3c4d;
const NOT_TOLD = 0xffffffff; // both halves of a section's length
const SECTION_LEAST = 28; // octets of a block without options
const INTERFACE_LEAST = 20;
const PACKET_LEAST = 32;
const STATISTICS_LEAST = 24;
const OPTION_HEADER = 4;
const FLAGS = 4;
/** Octets that one copy may have: Output hands longer ones on as they are, and some memory may not be written from. */
const PIECE = 1 << 16;

const padding = (length: number): number => -length & 3;

/** What of a batch is written. */
export type WrittenPackets = Pick<PacketBatch, 'bytes' | 'offset' | 'capLen' | 'origLen' | 'sec' | 'nsec' | 'pktType'>;

/** @param options without the one that ends them, as in the blocks below */
export function putSection(out: Output, options: Uint8Array): void {
  const total = SECTION_LEAST + options.length + OPTION_HEADER;
  out.u32(BlockType.SectionHeader, true);
  out.u32(total, true);
  out.u32(BYTE_ORDER_MAGIC, true);
  out.u16(1, true); // version 1.0
  out.u16(0, true);
  out.u32(NOT_TOLD, true);
  out.u32(NOT_TOLD, true);
  putOptions(out, options, total);
}

export function putInterface(out: Output, linkType: number, snaplen: number, options: Uint8Array): void {
  const total = INTERFACE_LEAST + options.length + OPTION_HEADER;
  out.u32(BlockType.InterfaceDescription, true);
  out.u32(total, true);
  out.u16(linkType, true);
  out.u16(0, true);
  out.u32(snaplen, true);
  putOptions(out, options, total);
}

/** Counters of an interface whose times are in nanoseconds, as of that time. */
export function putStatistics(out: Output, number: number, sec: number, nsec: number, options: Uint8Array): void {
  const total = STATISTICS_LEAST + options.length + OPTION_HEADER;
  out.u32(BlockType.InterfaceStatistics, true);
  out.u32(total, true);
  out.u32(number, true);
  putTime(out, sec, nsec, true);
  putOptions(out, options, total);
}

/**
 * One packet, behind the blocks that its edit wants before it.
 *
 * @param number of its interface in the section
 * @param isNanosecond resolution of that interface; else microseconds
 * @param rest octets of it that are not in the batch: they follow later, and then putPacketEnd()
 */
export function putPacket(
  out: Output,
  { bytes, offset, capLen, origLen, sec, nsec, pktType }: WrittenPackets,
  row: number,
  number: number,
  isNanosecond: boolean,
  edit: PacketEdit | undefined,
  rest = 0,
): void {
  const captured = capLen[row]! + rest;
  const end = offset[row]! + capLen[row]!;
  if (edit !== undefined) for (const block of edit.before) out.copy(block, 0, block.length);
  out.u32(BlockType.EnhancedPacket, true);
  out.u32(packetTotal(captured, pktType[row]!, edit), true);
  out.u32(number, true);
  putTime(out, sec[row]!, nsec[row]!, isNanosecond);
  out.u32(captured, true);
  out.u32(origLen[row]!, true);
  for (let at = offset[row]!; at < end; at += PIECE) out.copy(bytes, at, Math.min(at + PIECE, end));
  if (rest === 0) putPacketEnd(out, captured, pktType[row]!, edit);
}

/** What follows the octets of a packet. @param captured how many there were */
export function putPacketEnd(out: Output, captured: number, pktType: number, edit: PacketEdit | undefined): void {
  const way = wayIn(pktType, edit);
  out.zeros(padding(captured));
  if (way !== Way.Unknown) {
    out.u16(PacketOption.Flags, true);
    out.u16(FLAGS, true);
    out.u32(way, true);
  }
  if (edit !== undefined) out.copy(edit.options, 0, edit.options.length);
  if (way !== Way.Unknown || edit !== undefined) out.u32(Option.End, true);
  out.u32(packetTotal(captured, pktType, edit), true);
}

function packetTotal(captured: number, pktType: number, edit: PacketEdit | undefined): number {
  const flags = wayIn(pktType, edit) === Way.Unknown ? 0 : OPTION_HEADER + FLAGS;
  const options = flags + (edit?.options.length ?? 0);
  const end = flags > 0 || edit !== undefined ? OPTION_HEADER : 0;
  return PACKET_LEAST + captured + padding(captured) + options + end;
}

function wayIn(pktType: number, edit: PacketEdit | undefined): number {
  return wayOf(pktType) || (edit?.way ?? Way.Unknown);
}

function putOptions(out: Output, options: Uint8Array, total: number): void {
  out.copy(options, 0, options.length);
  out.u32(Option.End, true);
  out.u32(total, true);
}

/** Units since the epoch as two words; nanoseconds of today have more digits than a number holds exactly. */
function putTime(out: Output, sec: number, nsec: number, isNanosecond: boolean): void {
  if (!isNanosecond) {
    const units = sec * 1e6 + Math.floor(nsec / 1000);
    const high = Math.floor(units / 2 ** 32);
    out.u32(high, true);
    out.u32(units - high * 2 ** 32, true);
    return;
  }
  const upper = (sec >>> 16) * 1e9; // times 2^16
  const lower = (upper % 0x10000) * 0x10000 + (sec & 0xffff) * 1e9 + nsec;
  out.u32(Math.floor(upper / 0x10000) + Math.floor(lower / 2 ** 32), true);
  out.u32(lower % 2 ** 32, true);
}
