import { isLoopback, isMapped, isMulticast, isUnspecified } from '../core/address.ts';
import type { Us } from '../core/time.ts';

/** Whether an address is this host's, in one network namespace. */
export type Locality = 'local' | 'multicast' | 'remote';

/** An address as a key of a map: the word of IPv4, the octets of IPv6 as text. */
type AddressKey = number | string;

/** Stands for the recorder's own namespace, whichever inode it has. */
const OWN = 0;

/** Addresses of other namespaces that are remembered because a socket had them. */
const MOST_LEARNED = 16_384;

interface Listed {
  readonly unicast: ReadonlySet<AddressKey>;
  readonly broadcast: ReadonlySet<AddressKey>;
}

interface Learned {
  readonly netns: number;
  seenUs: Us;
}

/**
 * Addresses by network namespace: of those that were listed all, replaced as a whole whenever their interfaces change,
 * of the others those that a socket showed, and of those that are gone for a while what they had.
 */
export class LocalAddresses {
  readonly #own: number;
  readonly #listed = new Map<number, Listed>(); // by namespace
  readonly #learned = new Map<AddressKey, Learned>();

  /** @param own inode of the recorder's namespace; 0: not known, then every namespace is taken for it */
  constructor(own = 0) {
    this.#own = own;
  }

  /** @param unicast, broadcast four words an address, core/address.ts */
  replace(unicast: readonly Int32Array[], broadcast: readonly Int32Array[] = [], netns = OWN): void {
    if (this.#own === 0 && netns !== OWN) return; // the list of one would pass for that of all
    const keys = (addresses: readonly Int32Array[]): Set<AddressKey> =>
      new Set(addresses.map((words) => addressKey(words, 0)));
    this.#listed.set(this.#nameOf(netns), { unicast: keys(unicast), broadcast: keys(broadcast) });
  }

  /** The namespace has gone: its flows may still be asked for a while, and its addresses may become somebody else's. */
  leave(netns: number, atUs: Us): void {
    const name = this.#nameOf(netns);
    if (name === OWN) return;
    for (const key of this.#listed.get(name)?.unicast ?? []) this.#remember(key, netns, atUs);
    this.#listed.delete(name);
  }

  /** A socket of that namespace had the address as its own. */
  learn(netns: number, words: Int32Array, at: number, seenUs: Us): void {
    if (netns === 0 || this.#listed.has(this.#nameOf(netns))) return;
    if (isLoopback(words, at) || isMulticast(words, at) || isUnspecified(words, at)) return;
    this.#remember(addressKey(words, at), netns, seenUs);
  }

  #remember(key: AddressKey, netns: number, seenUs: Us): void {
    const known = this.#learned.get(key);
    if (known?.netns === netns) known.seenUs = Math.max(known.seenUs, seenUs);
    else if (known !== undefined || this.#learned.size < MOST_LEARNED) this.#learned.set(key, { netns, seenUs });
  }

  /** Multicast and broadcast count as local for a receiver: whoever is bound there gets a copy. */
  classify(netns: number, words: Int32Array, at: number): Locality {
    if (isLoopback(words, at)) return 'local';
    if (isMulticast(words, at)) return 'multicast';
    const key = addressKey(words, at);
    const listed = this.#listed.get(this.#nameOf(netns));
    if (listed?.unicast.has(key)) return 'local';
    if (listed?.broadcast.has(key)) return 'multicast';
    return listed === undefined && this.#learned.get(key)?.netns === netns ? 'local' : 'remote';
  }

  /** Whether all addresses of that namespace are known: else one of which nothing is known may well be one. */
  isListed(netns: number): boolean {
    return this.#listed.has(this.#nameOf(netns));
  }

  /** Whether an address that is remote in that namespace belongs to another one of this host. */
  isElsewhere(netns: number, words: Int32Array, at: number): boolean {
    const key = addressKey(words, at);
    const here = this.#nameOf(netns);
    const learned = this.#learned.get(key);
    if (learned !== undefined && this.#nameOf(learned.netns) !== here) return true;
    for (const [name, { unicast }] of this.#listed) if (name !== here && unicast.has(key)) return true;
    return false;
  }

  forget(beforeUs: Us): void {
    for (const [key, { seenUs }] of this.#learned) if (seenUs < beforeUs) this.#learned.delete(key);
  }

  #nameOf(netns: number): number {
    return netns === this.#own || this.#own === 0 ? OWN : netns;
  }
}

function addressKey(words: Int32Array, at: number): AddressKey {
  if (isMapped(words, at)) return words[at + 3]!;
  return String.fromCharCode(
    words[at]! >>> 16,
    words[at]! & 0xffff,
    words[at + 1]! >>> 16,
    words[at + 1]! & 0xffff,
    words[at + 2]! >>> 16,
    words[at + 2]! & 0xffff,
    words[at + 3]! >>> 16,
    words[at + 3]! & 0xffff,
  );
}
