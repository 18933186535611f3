/** A pcapng file, block by block into others: every octet stays, but for what is added. */
import { UserError } from '../core/errors.ts';
import type { PacketBatch } from '../core/packet.ts';
import type { Output } from './output.ts';
import { type CopyCounts, type PacketEdit, type PacketEdits, Way } from './packet-edits.ts';
import { BLOCK_LEAST, BlockType, forEachOption, Option, PacketOption } from './pcapng-blocks.ts';
import { isProcessBlock } from './process-blocks.ts';
import { textOption } from './written-options.ts';

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

const NOTHING = new Uint8Array(0);

interface OldOptions {
  readonly end: number; // behind the last of them
  readonly hasFlags: boolean;
  readonly hasOnce: boolean;
}

const padding = (length: number): number => -length & 3;

export class PcapngCopy {
  readonly counts: CopyCounts = { packets: 0, marked: 0, refused: 0 };
  readonly #edits: PacketEdits;
  #targets: readonly Output[]; // of the block that was copied last
  #heading: string | undefined;
  #littleEndian = true;

  /** @param heading comment of the first section */
  constructor(edits: PacketEdits, heading: string) {
    this.#edits = edits;
    this.#targets = edits.outputs;
    this.#heading = heading;
  }

  /**
   * Copies the blocks of a stretch that a PcapngWalker has walked; the rows of `batch` are its packets.
   *
   * @param from, to octets of batch.bytes. Only the last block may be cut: passOn() gets its rest
   */
  copy(batch: PacketBatch, from: number, to: number): void {
    const edits = this.#edits;
    const { bytes, offset, count } = batch;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    let targets = this.#targets;
    let copied = from; // what lies between it and `at` goes to the targets as it is
    let row = 0;
    for (let at = from; to - at >= BLOCK_LEAST; ) {
      const type = view.getUint32(at, this.#littleEndian);
      const isSection = type === BlockType.SectionHeader;
      if (isSection) {
        this.#littleEndian = view.getUint32(at + BYTE_ORDER, true) === BYTE_ORDER_MAGIC;
        edits.beginSection(this.#littleEndian);
      }
      const length = view.getUint32(at + 4, this.#littleEndian);
      const next = at + length + padding(length);
      const isPacket = row < count && offset[row]! > at && offset[row]! < next;
      const outputs = isPacket ? edits.outputsOf(row) : edits.outputs;
      const edit = isPacket && outputs.length > 0 ? edits.edit(row) : undefined;
      if (isSection || edit !== undefined || outputs !== targets) {
        copyTo(targets, bytes, copied, at);
        copied = at;
        targets = outputs;
      }
      if (isSection) {
        this.#putSection(bytes, view, at, length);
        copied = next;
      } else if (edit !== undefined) {
        for (const block of edit.before) copyTo(targets, block, 0, block.length); // later packets count on them
        const hasRoom = next <= to && (type === BlockType.EnhancedPacket || type === BlockType.Packet);
        if (hasRoom && this.#putPacket(targets, bytes, view, at, length, edit)) copied = next;
        else this.counts.refused++;
      } else if (edits.hasBlocks && !isPacket && isProcessBlock(view, type, at + BODY, next - 4, this.#littleEndian)) {
        throw new UserError(
          'process-blocks',
          'The input has process blocks of another writer',
          'Use --style comments.',
        );
      }
      if (isPacket) row++;
      if (isPacket && outputs.length > 0) this.counts.packets++;
      at = next;
    }
    copyTo(targets, bytes, copied, to);
    this.#targets = targets;
  }

  /** The rest of a block that is larger than a batch. */
  passOn(bytes: Uint8Array, from: number, to: number): void {
    copyTo(this.#targets, bytes, from, to);
  }

  /** The length of a section is left open, because what is in it grows. */
  #putSection(bytes: Uint8Array, view: DataView, at: number, length: number): void {
    const options = at + SECTION_OPTIONS;
    const old = this.#optionsOf(view, options, at + length - 4);
    const heading = this.#heading;
    this.#heading = undefined;
    const added = heading === undefined ? NOTHING : textOption(Option.Comment, heading, this.#littleEndian);
    for (const out of this.#edits.outputs) {
      const total = this.#putHead(out, bytes, at, SECTION_OPTIONS + (old.end - options) + added.length);
      out.copy(bytes, at + BODY, at + SECTION_LENGTH);
      out.u32(NOT_TOLD, this.#littleEndian);
      out.u32(NOT_TOLD, this.#littleEndian);
      out.copy(bytes, options, old.end);
      out.copy(added, 0, added.length);
      this.#putEnd(out, total);
    }
  }

  /** @returns false when the packet has already what it may have only once */
  #putPacket(
    targets: readonly Output[],
    bytes: Uint8Array,
    view: DataView,
    at: number,
    length: number,
    edit: PacketEdit,
  ): boolean {
    const captured = view.getUint32(at + CAPTURED, this.#littleEndian);
    const data = PACKET_DATA + captured;
    const options = at + data + padding(captured);
    const old = this.#optionsOf(view, options, at + length - 4, edit.once);
    if (old.hasOnce) return false;
    const flags = edit.way !== Way.Unknown && !old.hasFlags ? OPTION_HEADER + FLAGS : 0;
    const added = edit.options.length + flags;
    for (const out of targets) {
      const total = this.#putHead(out, bytes, at, data + padding(captured) + (old.end - options) + added);
      out.copy(bytes, at + BODY, at + data);
      out.zeros(padding(captured));
      out.copy(bytes, options, old.end);
      if (flags > 0) {
        out.u16(PacketOption.Flags, this.#littleEndian);
        out.u16(FLAGS, this.#littleEndian);
        out.u32(edit.way, this.#littleEndian);
      }
      out.copy(edit.options, 0, edit.options.length);
      this.#putEnd(out, total);
    }
    this.counts.marked++;
    return true;
  }

  /** Options as they stand, without the one that ends them. @param end behind the last octet that may hold options */
  #optionsOf(view: DataView, at: number, end: number, once = 0): OldOptions {
    let last = at;
    let hasFlags = false;
    let hasOnce = false;
    forEachOption(view, at, end, this.#littleEndian, (code, from, length) => {
      hasFlags ||= code === PacketOption.Flags;
      hasOnce ||= code === once;
      last = Math.min(end, from + length + padding(length));
    });
    return { end: last, hasFlags, hasOnce };
  }

  /** @param before octets of the block before the end of its options @returns the length of the block */
  #putHead(out: Output, bytes: Uint8Array, at: number, before: number): number {
    const total = before + OPTION_HEADER + 4;
    out.copy(bytes, at, at + 4);
    out.u32(total, this.#littleEndian);
    return total;
  }

  #putEnd(out: Output, total: number): void {
    out.u32(Option.End, this.#littleEndian);
    out.u32(total, this.#littleEndian);
  }
}

function copyTo(outputs: readonly Output[], bytes: Uint8Array, from: number, to: number): void {
  if (to > from) for (const out of outputs) out.copy(bytes, from, to);
}
