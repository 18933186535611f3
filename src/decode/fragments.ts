/** Later fragments carry no ports: they join the first one's flow by addresses and identification (RFC 791, RFC 8200 section 4.5). */
import type { DecodedBatch } from '../core/decoded.ts';
import { K_FIRST, K_META, K_PORTS, KEY_WORDS } from '../core/tuple.ts';

const ADDRESS_WORDS = 8; // both addresses, K_FIRST to the end of the key
const ID = ADDRESS_WORDS; // words of a slot
const PROTOCOL = ID + 1;
const SEC = ID + 2;
const META = ID + 3;
const PORTS = ID + 4;
const SLOT_WORDS = 16;

const LIFETIME_SEC = 60; // ip6frag_time; IPv4 gives up after 30 s (ip-sysctl.rst of the kernel)

/**
 * Ports of the first fragments last seen. Of fixed size: a newer datagram takes the slot of an older one with the same
 * hash, whose later fragments then count with ports 0.
 */
export class FragmentTable {
  readonly #slots: Int32Array;
  readonly #mask: number;

  /** @param slots a power of two */
  constructor(slots = 2048) {
    this.#slots = new Int32Array(slots * SLOT_WORDS);
    this.#mask = slots - 1;
  }

  /** Keeps protocol and ports of row `i`, a first fragment. */
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
  }

  /** Gives row `i`, a later fragment, protocol and ports of its first one, when that is known. */
  join(out: DecodedBatch, i: number, protocol: number, id: number, sec: number): void {
    const key = out.key;
    const row = i * KEY_WORDS;
    const slots = this.#slots;
    const slot = this.#slot(key, row, protocol, id);
    if (slots[slot + ID] !== id || slots[slot + PROTOCOL] !== protocol) return;
    if (Math.abs(sec - (slots[slot + SEC]! >>> 0)) > LIFETIME_SEC) return; // identifications are used again
    for (let w = 0; w < ADDRESS_WORDS; w++) if (slots[slot + w] !== key[row + K_FIRST + w]) return;
    key[row + K_META] = slots[slot + META]!;
    key[row + K_PORTS] = slots[slot + PORTS]!;
  }

  #slot(key: Int32Array, row: number, protocol: number, id: number): number {
    let h = Math.imul(id ^ (protocol << 16), 0x9e3779b1);
    for (let w = 0; w < ADDRESS_WORDS; w++) h = Math.imul(h ^ (h >>> 15) ^ key[row + K_FIRST + w]!, 0x85ebca6b);
    return ((h ^ (h >>> 16)) & this.#mask) * SLOT_WORDS;
  }
}
