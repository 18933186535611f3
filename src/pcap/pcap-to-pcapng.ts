/** A classic capture file as a section of pcapng: packets, times and lengths as they are. */
import type { PacketBatch } from '../core/packet.ts';
import type { Output } from './output.ts';
import { type CopyCounts, type PacketEdit, type PacketEdits, Way, wayOf } from './packet-edits.ts';
import { pcapOrder } from './pcap.ts';
import { BlockType, InterfaceOption, Option, PacketOption } from './pcapng-blocks.ts';
import { octetsOption, textOption } from './written-options.ts';

const BYTE_ORDER_MAGIC = 0x1a2b3c4d;
const NOT_TOLD = 0xffffffff;
const PACKET_LEAST = 32; // octets of a packet block without packet and options
const OPTION_HEADER = 4;
const FLAGS = 4;

/** Octets of a pcap file header. */
const SNAPLEN = 16;
const LINK_TYPE = 20; // low 16 bits
const FCS_TOLD = 0x04000000; // the upper four bits are the length of the frame check sequence, in 16 bits

const MICROSECONDS = 6;
const NANOSECONDS = 9;

const padding = (length: number): number => -length & 3;

export class PcapToPcapng {
  readonly counts: CopyCounts = { packets: 0, marked: 0, refused: 0 };
  readonly #edits: PacketEdits;
  readonly #nanosecond: boolean;
  #targets: readonly Output[] = []; // of a packet whose rest is still to come,
  #rest = 0; // octets of it,
  #putRest: ((out: Output) => void) | undefined; // and what follows them

  /** @param header of the pcap file, 24 octets. @param heading comment of the section */
  constructor(edits: PacketEdits, header: Uint8Array, heading: string) {
    this.#edits = edits;
    const { nanosecond, littleEndian } = pcapOrder(header)!;
    this.#nanosecond = nanosecond;
    const view = new DataView(header.buffer, header.byteOffset, header.byteLength);
    for (const out of edits.outputs) {
      putSection(out, textOption(Option.Comment, heading, true));
      this.#putInterface(out, view.getUint32(LINK_TYPE, littleEndian), view.getUint32(SNAPLEN, littleEndian));
    }
    edits.beginSection(true);
  }

  /** @param rest octets of the last packet that are not in the batch: passOn() gets them */
  copy(batch: PacketBatch, rest: number): void {
    const edits = this.#edits;
    const { capLen, pktType, count } = batch;
    for (let row = 0; row < count; row++) {
      const outputs = edits.outputsOf(row);
      const isCut = rest > 0 && row === count - 1;
      if (isCut) [this.#targets, this.#rest] = [outputs, rest];
      if (outputs.length === 0) continue;
      const edit = edits.edit(row);
      const way = wayOf(pktType[row]!) || (edit?.way ?? Way.Unknown);
      let options = way === Way.Unknown ? 0 : OPTION_HEADER + FLAGS;
      if (edit !== undefined) {
        options += edit.options.length;
        this.counts.marked++;
      }
      if (options > 0) options += OPTION_HEADER;
      const captured = capLen[row]! + (isCut ? rest : 0);
      const total = PACKET_LEAST + captured + padding(captured) + options;
      for (const out of outputs) {
        this.#putPacket(out, batch, row, captured, edit, total);
        if (!isCut) putTail(out, captured, way, edit, total);
      }
      if (isCut) this.#putRest = tailOf(captured, way, edit, total);
      this.counts.packets++;
    }
  }

  /** The rest of a packet that is larger than a batch. */
  passOn(bytes: Uint8Array, from: number, to: number): void {
    this.#rest -= to - from;
    for (const out of this.#targets) {
      out.copy(bytes, from, to);
      if (this.#rest === 0) this.#putRest?.(out);
    }
  }

  /** The packet without what follows its octets. */
  #putPacket(
    out: Output,
    batch: PacketBatch,
    row: number,
    captured: number,
    edit: PacketEdit | undefined,
    total: number,
  ): void {
    const { bytes, offset, capLen, origLen, sec, nsec } = batch;
    if (edit !== undefined) for (const block of edit.before) out.copy(block, 0, block.length);
    out.u32(BlockType.EnhancedPacket, true);
    out.u32(total, true);
    out.u32(0, true); // the only interface
    this.#putTime(out, sec[row]!, nsec[row]!);
    out.u32(captured, true);
    out.u32(origLen[row]!, true);
    out.copy(bytes, offset[row]!, offset[row]! + capLen[row]!);
  }

  #putInterface(out: Output, linkType: number, snaplen: number): void {
    const fcs = (linkType & FCS_TOLD) !== 0 ? OPTION_HEADER + 4 : 0;
    const total = 20 + OPTION_HEADER + 4 + fcs + OPTION_HEADER;
    out.u32(BlockType.InterfaceDescription, true);
    out.u32(total, true);
    out.u16(linkType & 0xffff, true);
    out.u16(0, true);
    out.u32(snaplen, true);
    putOption(out, InterfaceOption.TimeResolution, Uint8Array.of(this.#nanosecond ? NANOSECONDS : MICROSECONDS));
    if (fcs > 0) putOption(out, InterfaceOption.FcsLength, Uint8Array.of((linkType >>> 28) * 16));
    out.u32(Option.End, true);
    out.u32(total, true);
  }

  /** Units since the epoch as two words; nanoseconds of today have more digits than a number holds exactly. */
  #putTime(out: Output, sec: number, nsec: number): void {
    if (!this.#nanosecond) {
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
}

function putSection(out: Output, heading: Uint8Array): void {
  const total = 28 + heading.length + OPTION_HEADER;
  out.u32(BlockType.SectionHeader, true);
  out.u32(total, true);
  out.u32(BYTE_ORDER_MAGIC, true);
  out.u16(1, true); // version 1.0
  out.u16(0, true);
  out.u32(NOT_TOLD, true);
  out.u32(NOT_TOLD, true);
  out.copy(heading, 0, heading.length);
  out.u32(Option.End, true);
  out.u32(total, true);
}

function putOption(out: Output, code: number, value: Uint8Array): void {
  const option = octetsOption(code, value, true);
  out.copy(option, 0, option.length);
}

const tailOf = (captured: number, way: number, edit: PacketEdit | undefined, total: number) => (out: Output) =>
  putTail(out, captured, way, edit, total);

/** @param captured octets of the packet. @param total of the block */
function putTail(out: Output, captured: number, way: number, edit: PacketEdit | undefined, total: number): void {
  out.zeros(padding(captured));
  if (way !== Way.Unknown) {
    out.u16(PacketOption.Flags, true);
    out.u16(FLAGS, true);
    out.u32(way, true);
  }
  if (edit !== undefined) out.copy(edit.options, 0, edit.options.length);
  if (way !== Way.Unknown || edit !== undefined) out.u32(Option.End, true);
  out.u32(total, true);
}
