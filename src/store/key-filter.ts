import { mixHash } from '../core/tuple.ts';

const SLOTS = 1 << 18; // power of two; 32 KiB. Of 10,000 keys 4 % of those that are not there look as if they were

/** Which keys were added: may say yes to one that was not, never no to one that was. */
export class KeyFilter {
  readonly #bits = new Uint8Array(SLOTS >> 3);

  /** @param key its first `length` numbers */
  add(key: readonly number[], length: number): void {
    const slot = hashNumbers(key, length) & (SLOTS - 1);
    this.#bits[slot >> 3]! |= 1 << (slot & 7);
  }

  mayHave(key: readonly number[], length: number): boolean {
    const slot = hashNumbers(key, length) & (SLOTS - 1);
    return (this.#bits[slot >> 3]! & (1 << (slot & 7))) !== 0;
  }
}

/** Hash of the first `length` numbers, 32 bits. */
export function hashNumbers(key: ArrayLike<number>, length: number): number {
  let h = 0;
  for (let i = 0; i < length; i++) h = mixHash(Math.imul(h, 31) + key[i]!);
  return h;
}
