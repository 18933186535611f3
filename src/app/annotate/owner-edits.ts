import { FlowSide } from '../../core/attribution.ts';
import { type DecodedBatch, DecodeStatus } from '../../core/decoded.ts';
import type { PacketBatch } from '../../core/packet.ts';
import { SECOND_US } from '../../core/time.ts';
import { KEY_WORDS } from '../../core/tuple.ts';
import { formatOwnerComment } from '../../pcap/owner-comment.ts';
import { type PacketEdits, Way } from '../../pcap/packet-edits.ts';
import type { FlowFinder } from './flow-finder.ts';
import type { FlowOwners } from './flow-owners.ts';
import { ownerFields } from './owner-fields.ts';

/** Texts that are kept for flows whose packets all get one. */
const MOST_TEXTS = 16_384;

/** Which packets get the owners of their flow: the first one of each flow, or every one. */
export class OwnerEdits implements PacketEdits {
  readonly #owners: FlowOwners;
  readonly #finder: FlowFinder;
  readonly #every: boolean;
  readonly #told: Uint8Array; // by serial
  readonly #texts = new Map<number, string | undefined>(); // by serial and direction
  #batch: PacketBatch | undefined;
  #decoded: DecodedBatch | undefined;

  constructor(owners: FlowOwners, finder: FlowFinder, every: boolean) {
    this.#owners = owners;
    this.#finder = finder;
    this.#every = every;
    this.#told = new Uint8Array(owners.count + 1);
  }

  /** The rows that are asked for from now on. */
  take(batch: PacketBatch, decoded: DecodedBatch): void {
    this.#batch = batch;
    this.#decoded = decoded;
  }

  comment(row: number): string | undefined {
    const found = this.#find(row);
    if (found < 0) return undefined;
    const serial = found >> 1;
    if (!this.#every && this.#told[serial] === 1) return undefined;
    this.#told[serial] = 1;
    if (!this.#every) return this.#text(serial, found & 1);
    if (!this.#texts.has(found)) {
      if (this.#texts.size >= MOST_TEXTS) this.#texts.clear();
      this.#texts.set(found, this.#text(serial, found & 1));
    }
    return this.#texts.get(found);
  }

  /** Where only one end is here, the packet came in or went out. */
  way(row: number): number {
    const found = this.#find(row);
    const [src, dst] = this.#sides(found & 1);
    const srcIsHere = this.#isHere(found >> 1, src);
    if (srcIsHere === this.#isHere(found >> 1, dst)) return Way.Unknown;
    return srcIsHere ? Way.Outbound : Way.Inbound;
  }

  #find(row: number): number {
    const [batch, decoded] = [this.#batch, this.#decoded];
    if (batch === undefined || decoded === undefined || decoded.status[row] !== DecodeStatus.Ok) return -1;
    const timeUs = batch.sec[row]! * SECOND_US + Math.floor(batch.nsec[row]! / 1000);
    return this.#finder.find(decoded.key, row * KEY_WORDS, timeUs);
  }

  #isHere(serial: number, side: number): boolean {
    return this.#owners.answer(serial, side).process !== null;
  }

  #sides(isReply: number): readonly [src: number, dst: number] {
    return isReply === 0 ? [FlowSide.Src, FlowSide.Dst] : [FlowSide.Dst, FlowSide.Src];
  }

  #text(serial: number, isReply: number): string | undefined {
    const [src, dst] = this.#sides(isReply).map((side) => ownerFields(this.#owners.answer(serial, side)));
    const isKnown = Object.values({ ...src, ...dst }).some((value) => value !== null);
    return isKnown ? formatOwnerComment(serial, src!, dst!) : undefined;
  }
}
