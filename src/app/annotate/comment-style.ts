import { formatOwnerComment } from '../../pcap/owner-comment.ts';
import { type PacketEdit, Way } from '../../pcap/packet-edits.ts';
import { Option } from '../../pcap/pcapng-blocks.ts';
import { textOption } from '../../pcap/written-options.ts';
import type { FlowOwners } from './flow-owners.ts';
import { ownerFields } from './owner-fields.ts';
import type { OwnerStyle } from './owner-style.ts';

/** Edits that are kept for flows whose packets all get one. */
const MOST_EDITS = 16_384;

/** Both ends and what proves them, in a comment. */
export class CommentStyle implements OwnerStyle {
  readonly hasBlocks = false;
  readonly #owners: FlowOwners;
  readonly #every: boolean;
  readonly #told: Uint8Array; // by serial
  readonly #edits = new Map<number, PacketEdit | undefined>(); // by serial and sender
  #littleEndian = true;

  constructor(owners: FlowOwners, every: boolean) {
    this.#owners = owners;
    this.#every = every;
    this.#told = new Uint8Array(owners.count + 1);
  }

  beginSection(littleEndian: boolean): void {
    this.#littleEndian = littleEndian;
    this.#edits.clear();
  }

  edit(serial: number, src: number): PacketEdit | undefined {
    if (!this.#every && this.#told[serial] === 1) return undefined;
    this.#told[serial] = 1;
    if (!this.#every) return this.#make(serial, src);
    const key = serial * 2 + src;
    if (!this.#edits.has(key)) {
      if (this.#edits.size >= MOST_EDITS) this.#edits.clear();
      this.#edits.set(key, this.#make(serial, src));
    }
    return this.#edits.get(key);
  }

  #make(serial: number, src: number): PacketEdit | undefined {
    const [own, other] = [
      ownerFields(this.#owners.answer(serial, src)),
      ownerFields(this.#owners.answer(serial, 1 - src)),
    ];
    if (!Object.values({ ...own, ...other }).some((value) => value !== null)) return undefined;
    const options = textOption(Option.Comment, formatOwnerComment(serial, own, other), this.#littleEndian);
    const srcIsHere = own.pid !== null;
    const way = srcIsHere === (other.pid !== null) ? Way.Unknown : srcIsHere ? Way.Outbound : Way.Inbound;
    return { before: [], options, once: 0, way };
  }
}
