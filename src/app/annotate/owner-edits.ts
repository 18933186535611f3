import { FlowSide } from '../../core/attribution.ts';
import { type DecodedBatch, DecodeStatus } from '../../core/decoded.ts';
import type { PacketBatch } from '../../core/packet.ts';
import { SECOND_US } from '../../core/time.ts';
import { KEY_WORDS } from '../../core/tuple.ts';
import { type PacketEdit, type PacketEdits, wayOf } from '../../pcap/packet-edits.ts';
import type { FlowFinder } from './flow-finder.ts';
import type { OwnerStyle } from './owner-style.ts';

/** Finds the flow of each packet, whose owners are then written in some style. */
export class OwnerEdits implements PacketEdits {
  readonly #finder: FlowFinder;
  readonly #style: OwnerStyle;
  #batch: PacketBatch | undefined;
  #decoded: DecodedBatch | undefined;

  constructor(finder: FlowFinder, style: OwnerStyle) {
    this.#finder = finder;
    this.#style = style;
  }

  get hasBlocks(): boolean {
    return this.#style.hasBlocks;
  }

  beginSection(littleEndian: boolean): void {
    this.#style.beginSection(littleEndian);
  }

  /** The rows that are asked for from now on. */
  take(batch: PacketBatch, decoded: DecodedBatch): void {
    this.#batch = batch;
    this.#decoded = decoded;
  }

  edit(row: number): PacketEdit | undefined {
    const [batch, decoded] = [this.#batch, this.#decoded];
    if (batch === undefined || decoded === undefined) return undefined;
    const found = findFlow(this.#finder, batch, decoded, row);
    if (found < 0) return undefined;
    return this.#style.edit(found >> 1, (found & 1) === 0 ? FlowSide.Src : FlowSide.Dst, wayOf(batch.pktType[row]!));
  }
}

/** As FlowFinder.find(), for a row of a batch. */
export function findFlow(finder: FlowFinder, batch: PacketBatch, decoded: DecodedBatch, row: number): number {
  if (decoded.status[row] !== DecodeStatus.Ok) return -1;
  const timeUs = batch.sec[row]! * SECOND_US + Math.floor(batch.nsec[row]! / 1000);
  return finder.find(decoded.key, row * KEY_WORDS, timeUs);
}
