import { isLoopback, isMulticast } from '../core/address.ts';

/** Whether an address is this host's, in one network namespace. */
export type Locality = 'local' | 'multicast' | 'remote';

/** Addresses of one network namespace, replaced as a whole whenever its interfaces change. */
export class LocalAddresses {
  #unicast = new Set<string>();
  #broadcast = new Set<string>();

  /** @param unicast, broadcast four words an address, core/address.ts */
  replace(unicast: readonly Int32Array[], broadcast: readonly Int32Array[] = []): void {
    this.#unicast = new Set(unicast.map((words) => wordsKey(words, 0)));
    this.#broadcast = new Set(broadcast.map((words) => wordsKey(words, 0)));
  }

  get size(): number {
    return this.#unicast.size;
  }

  /** Multicast and broadcast count as local for a receiver: whoever is bound there gets a copy. */
  classify(words: Int32Array, at: number): Locality {
    if (isLoopback(words, at)) return 'local';
    if (isMulticast(words, at)) return 'multicast';
    const key = wordsKey(words, at);
    if (this.#unicast.has(key)) return 'local';
    return this.#broadcast.has(key) ? 'multicast' : 'remote';
  }
}

function wordsKey(words: Int32Array, at: number): string {
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
