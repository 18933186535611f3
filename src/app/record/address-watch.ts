import { SECOND_US, type Us } from '../../core/time.ts';
import type { Route } from '../../linux/route.ts';

const PERIOD_US = 2 * SECOND_US;

export interface Addresses {
  readonly unicast: readonly Int32Array[];
  readonly broadcast: readonly Int32Array[];
}

/** The addresses of a namespace: read again now and then, told when they changed. */
export class AddressWatch {
  readonly #read: () => Addresses;
  #local = new Set<string>();
  #text = '';
  #dueUs: Us = 0;

  constructor(read: () => Addresses) {
    this.#read = read;
  }

  has(key: Int32Array, at: number): boolean {
    return this.#local.has(addressKey(key, at));
  }

  /** All of them, when they are others than at the last call that was due; else null. */
  changed(now: Us): Addresses | null {
    if (now < this.#dueUs) return null;
    this.#dueUs = now + PERIOD_US;
    const addresses = this.#read();
    const all = [...addresses.unicast, ...addresses.broadcast].map((words) => addressKey(words, 0));
    const text = all.join();
    if (text === this.#text) return null;
    this.#text = text;
    this.#local = new Set(all);
    return addresses;
  }
}

export function localAddresses(route: Route): Addresses {
  const all = route.addresses();
  return {
    unicast: all.map((address) => address.words),
    broadcast: all.flatMap((address) => (address.broadcast === null ? [] : [address.broadcast])),
  };
}

function addressKey(words: Int32Array, at: number): string {
  return `${words[at]},${words[at + 1]},${words[at + 2]},${words[at + 3]}`;
}
