/** A pcapng file, block by block into another one: every octet stays, but for what is added. */
import type { PacketBatch } from '../core/packet.ts';
import type { Output } from './output.ts';
import { type CopyCounts, type PacketEdits, Way } from './packet-edits.ts';
import { BLOCK_LEAST, BlockType, forEachOption, Option, PacketOption } from './pcapng-blocks.ts';

/** Octets from a block's start. */
const BODY = 8;
const BYTE_ORDER = 8;
const SECTION_LENGTH = 16;
const SECTION_OPTIONS = 24;
const CAPTURED = 20;
const PACKET_DATA = 28;

const BYTE_ORDER_MAGIC = 0x1a2b3c4d;
const NOT_TOLD = 0xffffffff; // both halves of a section's length
const OPTION_HEADER = 4;
const FLAGS = 4;

const padding = (length: number): number => -length & 3;
const encoder = new TextEncoder();

export class PcapngCopy {
  readonly counts: CopyCounts = { packets: 0, comments: 0, refused: 0 };
  readonly #out: Output;
  #heading: Uint8Array | undefined;
  #littleEndian = true;

  /** @param heading comment of the first section */
  constructor(out: Output, heading: string) {
    this.#out = out;
    this.#heading = encoder.encode(heading);
  }

  /**
   * Copies the blocks of a stretch that a PcapngWalker has walked; the rows of `batch` are its packets.
   *
   * @param from, to octets of batch.bytes. Only the last block may be cut: the caller passes its rest on as it is
   */
  copy(batch: PacketBatch, from: number, to: number, edits: PacketEdits): void {
    const { bytes, offset, count } = batch;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    let copied = from;
    let row = 0;
    for (let at = from; to - at >= BLOCK_LEAST; ) {
      const type = view.getUint32(at, this.#littleEndian);
      const isSection = type === BlockType.SectionHeader;
      if (isSection) this.#littleEndian = view.getUint32(at + BYTE_ORDER, true) === BYTE_ORDER_MAGIC;
      const length = view.getUint32(at + 4, this.#littleEndian);
      const next = at + length + padding(length);
      const isPacket = row < count && offset[row]! > at && offset[row]! < next;
      const comment = isPacket ? edits.comment(row) : undefined;
      const hasRoom = next <= to && (type === BlockType.EnhancedPacket || type === BlockType.Packet);
      if (comment !== undefined && !hasRoom) this.counts.refused++;
      if (isSection || (comment !== undefined && hasRoom)) {
        this.#out.copy(bytes, copied, at);
        if (isSection) this.#putSection(bytes, view, at, length);
        else this.#putPacket(bytes, view, at, length, encoder.encode(comment), edits.way(row));
        copied = next;
      }
      if (isPacket) row++;
      at = next;
    }
    this.counts.packets += row;
    this.#out.copy(bytes, copied, to);
  }

  /** The length of a section is left open, because what is in it grows. */
  #putSection(bytes: Uint8Array, view: DataView, at: number, length: number): void {
    const options = at + SECTION_OPTIONS;
    const old = this.#optionsOf(view, options, at + length - 4);
    const heading = this.#heading;
    this.#heading = undefined;
    const added = heading === undefined ? 0 : OPTION_HEADER + heading.length + padding(heading.length);
    const total = this.#putHead(bytes, at, SECTION_OPTIONS + (old.end - options) + added);
    this.#out.copy(bytes, at + BODY, at + SECTION_LENGTH);
    this.#out.u32(NOT_TOLD, this.#littleEndian);
    this.#out.u32(NOT_TOLD, this.#littleEndian);
    this.#out.copy(bytes, options, old.end);
    if (heading !== undefined) this.#putOption(Option.Comment, heading);
    this.#putEnd(total);
  }

  #putPacket(bytes: Uint8Array, view: DataView, at: number, length: number, comment: Uint8Array, way: number): void {
    const out = this.#out;
    const captured = view.getUint32(at + CAPTURED, this.#littleEndian);
    const data = PACKET_DATA + captured;
    const options = at + data + padding(captured);
    const old = this.#optionsOf(view, options, at + length - 4);
    const flags = way !== Way.Unknown && !old.hasFlags ? OPTION_HEADER + FLAGS : 0;
    const added = OPTION_HEADER + comment.length + padding(comment.length) + flags;
    const total = this.#putHead(bytes, at, data + padding(captured) + (old.end - options) + added);
    out.copy(bytes, at + BODY, at + data);
    out.zeros(padding(captured));
    out.copy(bytes, options, old.end);
    if (flags > 0) {
      out.u16(PacketOption.Flags, this.#littleEndian);
      out.u16(FLAGS, this.#littleEndian);
      out.u32(way, this.#littleEndian);
    }
    this.#putOption(Option.Comment, comment);
    this.#putEnd(total);
    this.counts.comments++;
  }

  /** Options as they stand, without the one that ends them. @param end behind the last octet that may hold options */
  #optionsOf(view: DataView, at: number, end: number): { readonly end: number; readonly hasFlags: boolean } {
    let last = at;
    let hasFlags = false;
    forEachOption(view, at, end, this.#littleEndian, (code, from, length) => {
      hasFlags ||= code === PacketOption.Flags;
      last = Math.min(end, from + length + padding(length));
    });
    return { end: last, hasFlags };
  }

  /** @param before octets of the block before the end of its options @returns the length of the block */
  #putHead(bytes: Uint8Array, at: number, before: number): number {
    const total = before + OPTION_HEADER + 4;
    this.#out.copy(bytes, at, at + 4);
    this.#out.u32(total, this.#littleEndian);
    return total;
  }

  #putOption(code: number, value: Uint8Array): void {
    this.#out.u16(code, this.#littleEndian);
    this.#out.u16(value.length, this.#littleEndian);
    this.#out.copy(value, 0, value.length);
    this.#out.zeros(padding(value.length));
  }

  #putEnd(total: number): void {
    this.#out.u32(Option.End, this.#littleEndian);
    this.#out.u32(total, this.#littleEndian);
  }
}
