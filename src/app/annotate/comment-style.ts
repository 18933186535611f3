import type { Answer } from '../../attribution/attribute.ts';
import { formatOwnerComment } from '../../pcap/owner-comment.ts';
import { type PacketEdit, Way } from '../../pcap/packet-edits.ts';
import { Option } from '../../pcap/pcapng-blocks.ts';
import { textOption } from '../../pcap/written-options.ts';
import type { WrittenOwners } from './flow-owners.ts';
import { ownerFields } from './owner-fields.ts';
import type { OwnerStyle } from './owner-style.ts';

/** Edits that are kept for flows whose packets all get one. */
const MOST_EDITS = 16_384;
/** The only part of a flow that comments tell apart: both ends. */
const BOTH = 1;

/** An edit, and what it says. */
interface Made {
  readonly own: Answer;
  readonly other: Answer;
  readonly edit: PacketEdit | undefined;
}

/** Both ends and what proves them, in a comment. */
export class CommentStyle implements OwnerStyle {
  readonly hasBlocks = false;
  readonly #owners: WrittenOwners;
  readonly #every: boolean;
  readonly #made = new Map<number, Made>(); // by serial and sender
  #littleEndian = true;

  constructor(owners: WrittenOwners, every: boolean) {
    this.#owners = owners;
    this.#every = every;
  }

  beginSection(littleEndian: boolean): void {
    this.#littleEndian = littleEndian;
    this.#made.clear();
  }

  edit(serial: number, src: number): PacketEdit | undefined {
    if (!this.#every && !this.#owners.tell(serial, BOTH)) return undefined;
    const own = this.#owners.answer(serial, src);
    const other = this.#owners.answer(serial, 1 - src);
    if (!this.#every) return edited(serial, own, other, this.#littleEndian);
    const key = serial * 2 + src;
    const known = this.#made.get(key);
    if (known !== undefined && known.own === own && known.other === other) return known.edit;
    if (this.#made.size >= MOST_EDITS) this.#made.clear();
    const edit = edited(serial, own, other, this.#littleEndian);
    this.#made.set(key, { own, other, edit });
    return edit;
  }
}

function edited(serial: number, src: Answer, dst: Answer, littleEndian: boolean): PacketEdit | undefined {
  const [own, other] = [ownerFields(src), ownerFields(dst)];
  if (!Object.values({ ...own, ...other }).some((value) => value !== null)) return undefined;
  const options = textOption(Option.Comment, formatOwnerComment(serial, own, other), littleEndian);
  const srcIsHere = own.pid !== null;
  const way = srcIsHere === (other.pid !== null) ? Way.Unknown : srcIsHere ? Way.Outbound : Way.Inbound;
  return { before: [], options, once: 0, way };
}
