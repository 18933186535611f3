import { FlowSide } from '../../core/attribution.ts';
import { type DecodedBatch, DecodeStatus } from '../../core/decoded.ts';
import { type PacketBatch, timeOf } from '../../core/packet.ts';
import { KEY_WORDS } from '../../core/tuple.ts';
import type { Output } from '../../pcap/output.ts';
import { type PacketEdit, type PacketEdits, wayOf } from '../../pcap/packet-edits.ts';
import type { FlowFinder } from './flow-finder.ts';
import type { OwnerStyle } from './owner-style.ts';

/** Which outputs get the packets of a flow. */
export interface FlowRoutes {
  readonly outputs: readonly Output[]; // all
  /**
   * Where one packet goes: always the same list for the same outputs.
   *
   * @param serial of its flow; 0: it is in none
   * @param origLen octets
   */
  route(serial: number, origLen: number): readonly Output[];
}

const NONE = -1;

/** Finds the flow of each packet, whose owners are then written in some style. */
export class OwnerEdits implements PacketEdits {
  readonly #finder: FlowFinder;
  readonly #style: OwnerStyle;
  readonly #routes: FlowRoutes;
  #batch: PacketBatch | undefined;
  #decoded: DecodedBatch | undefined;
  #found = NONE; // as of findFlow(), for the row that outputsOf() was asked for

  constructor(finder: FlowFinder, style: OwnerStyle, routes: FlowRoutes) {
    this.#finder = finder;
    this.#style = style;
    this.#routes = routes;
  }

  get hasBlocks(): boolean {
    return this.#style.hasBlocks;
  }

  get outputs(): readonly Output[] {
    return this.#routes.outputs;
  }

  beginSection(littleEndian: boolean): void {
    this.#style.beginSection(littleEndian);
  }

  /** The rows that are asked for from now on. */
  take(batch: PacketBatch, decoded: DecodedBatch): void {
    this.#batch = batch;
    this.#decoded = decoded;
  }

  outputsOf(row: number): readonly Output[] {
    this.#found = findFlow(this.#finder, this.#batch!, this.#decoded!, row);
    return this.#routes.route(this.#found < 0 ? 0 : this.#found >> 1, this.#batch!.origLen[row]!);
  }

  edit(row: number): PacketEdit | undefined {
    const found = this.#found;
    if (found < 0) return undefined;
    const src = (found & 1) === 0 ? FlowSide.Src : FlowSide.Dst;
    return this.#style.edit(found >> 1, src, wayOf(this.#batch!.pktType[row]!));
  }
}

/** As FlowFinder.find(), for a row of a batch. */
export function findFlow(finder: FlowFinder, batch: PacketBatch, decoded: DecodedBatch, row: number): number {
  if (decoded.status[row] !== DecodeStatus.Ok) return NONE;
  return finder.find(decoded.key, row * KEY_WORDS, timeOf(batch, row));
}
