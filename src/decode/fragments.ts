/** Later fragments carry no ports: they join the first one's flow by addresses and identification (RFC 791, RFC 8200 section 4.5). */
import type { DecodedBatch } from '../core/decoded.ts';
import type { PacketBatch } from '../core/packet.ts';
import { K_FIRST, K_META, K_PORTS, KEY_WORDS, keyNetns } from '../core/tuple.ts';
import { ADDRESS_WORDS, FRAGMENT_LIFETIME_SEC, joinFirst, sameEnds } from './fragment-rows.ts';
import type { HeldFragments } from './held-fragments.ts';

const ID = ADDRESS_WORDS; // words of a slot
const PROTOCOL = ID + 1;
const SEC = ID + 2;
const META = ID + 3;
const PORTS = ID + 4;
const SLOT_WORDS = 16;

export const MOST_WAITING = 256; // rows of a batch: five datagrams of 64 KiB whose first fragment comes last

/**
 * Ports of the first fragments last seen. Of fixed size: a newer datagram takes the slot of an older one with the same
 * hash, whose later fragments then count with ports 0. So do fragments whose first one comes in a later batch, unless
 * they are held until then.
 */
export class FragmentTable {
  readonly #slots: Int32Array;
  readonly #mask: number;
  readonly #waiting = new Int32Array(MOST_WAITING * 3); // row, protocol, identification of fragments without a first one
  #waitingCount = 0;

  readonly #held: HeldFragments | undefined;

  /** @param slots a power of two @param held keeps those that still wait at the end of their batch */
  constructor(slots = 2048, held?: HeldFragments) {
    this.#held = held;
    this.#slots = new Int32Array(slots * SLOT_WORDS);
    this.#mask = slots - 1;
  }

  /** Rows of this batch will no longer be there to be joined. */
  endBatch(batch: PacketBatch, out: DecodedBatch): void {
    const held = this.#held;
    const waiting = this.#waiting;
    for (let at = 0; held !== undefined && at < this.#waitingCount * 3; at += 3)
      held.hold(batch, out, waiting[at]!, waiting[at + 1]!, waiting[at + 2]!);
    this.#waitingCount = 0;
    if (batch.count > 0) held?.expire(batch.sec[batch.count - 1]!);
  }

  /** Keeps protocol and ports of row `i`, a first fragment, and gives them to the rows that came before it. */
  remember(out: DecodedBatch, i: number, protocol: number, id: number, sec: number): void {
    const key = out.key;
    const row = i * KEY_WORDS;
    const slots = this.#slots;
    const slot = this.#slot(key, row, protocol, id);
    for (let w = 0; w < ADDRESS_WORDS; w++) slots[slot + w] = key[row + K_FIRST + w]!;
    slots[slot + ID] = id;
    slots[slot + PROTOCOL] = protocol;
    slots[slot + SEC] = sec;
    slots[slot + META] = key[row + K_META]!;
    slots[slot + PORTS] = key[row + K_PORTS]!;
    if (this.#waitingCount > 0) this.#joinWaiting(out, row, protocol, id);
    this.#held?.join(out, i, protocol, id, sec);
  }

  /** Gives row `i`, a later fragment, protocol and ports of its first one, when that is known. */
  join(out: DecodedBatch, i: number, protocol: number, id: number, sec: number): void {
    const key = out.key;
    const row = i * KEY_WORDS;
    const slots = this.#slots;
    const slot = this.#slot(key, row, protocol, id);
    if (this.#isFirst(slot, key, row, protocol, id, sec)) {
      key[row + K_META] = slots[slot + META]!;
      key[row + K_PORTS] = slots[slot + PORTS]!;
    } else this.#wait(i, protocol, id);
  }

  #isFirst(slot: number, key: Int32Array, row: number, protocol: number, id: number, sec: number): boolean {
    const slots = this.#slots;
    if (slots[slot + ID] !== id || slots[slot + PROTOCOL] !== protocol) return false;
    if (Math.abs(sec - (slots[slot + SEC]! >>> 0)) > FRAGMENT_LIFETIME_SEC) return false; // identifications are used again
    if (slots[slot + META]! >>> 16 !== keyNetns(key, row)) return false;
    for (let w = 0; w < ADDRESS_WORDS; w++) if (slots[slot + w] !== key[row + K_FIRST + w]) return false;
    return true;
  }

  #wait(i: number, protocol: number, id: number): void {
    if (this.#waitingCount === MOST_WAITING) return;
    const at = 3 * this.#waitingCount++;
    this.#waiting[at] = i;
    this.#waiting[at + 1] = protocol;
    this.#waiting[at + 2] = id;
  }

  #joinWaiting({ key }: DecodedBatch, first: number, protocol: number, id: number): void {
    const waiting = this.#waiting;
    let kept = 0;
    for (let at = 0; at < this.#waitingCount * 3; at += 3) {
      const row = waiting[at]! * KEY_WORDS;
      const joins = waiting[at + 1] === protocol && waiting[at + 2] === id && sameEnds(key, row, key, first);
      if (joins) joinFirst(key, row, key, first);
      else waiting.copyWithin(3 * kept++, at, at + 3);
    }
    this.#waitingCount = kept;
  }

  #slot(key: Int32Array, row: number, protocol: number, id: number): number {
    let h = Math.imul(id ^ (protocol << 16) ^ (keyNetns(key, row) << 24), 0x9e3779b1);
    for (let w = 0; w < ADDRESS_WORDS; w++) h = Math.imul(h ^ (h >>> 15) ^ key[row + K_FIRST + w]!, 0x85ebca6b);
    return ((h ^ (h >>> 16)) & this.#mask) * SLOT_WORDS;
  }
}
