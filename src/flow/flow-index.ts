/** From the hash of a tuple to entries: open addressing over pairs of (hash, entry), so a miss rarely leaves the index. */
import { freeOutgrown } from '../core/arrays.ts';
import { compareKeys, DIFFERENT } from './flow-key.ts';

const MIN_SLOTS = 2048;

export class FlowIndex {
  pairs = new Int32Array(MIN_SLOTS * 2); // hash, entry + 1; 0: a free slot. Replaced when it grows
  mask = MIN_SLOTS - 1;
  #count = 0;

  insert(hash: number, entry: number): void {
    if (this.#count * 2 >= this.mask) this.#grow();
    this.#count++;
    place(this.pairs, this.mask, hash, entry + 1);
  }

  /** Removes a pair that is there. Later pairs of its run move back, so no tombstones are left. */
  remove(hash: number, entry: number): void {
    const { pairs, mask } = this;
    let hole = hash & mask;
    while (pairs[2 * hole + 1] !== entry + 1) hole = (hole + 1) & mask;
    for (let slot = (hole + 1) & mask; pairs[2 * slot + 1] !== 0; slot = (slot + 1) & mask) {
      const home = pairs[2 * slot]! & mask;
      if (((slot - home) & mask) < ((slot - hole) & mask)) continue; // it would move before its home
      pairs[2 * hole] = pairs[2 * slot]!;
      pairs[2 * hole + 1] = pairs[2 * slot + 1]!;
      hole = slot;
    }
    pairs[2 * hole + 1] = 0;
    this.#count--;
  }

  #grow(): void {
    const old = this.pairs;
    this.mask = this.mask * 2 + 1;
    this.pairs = new Int32Array((this.mask + 1) * 2);
    for (let at = 0; at < old.length; at += 2) {
      if (old[at + 1] !== 0) place(this.pairs, this.mask, old[at]!, old[at + 1]!);
    }
    freeOutgrown([old.buffer]);
  }
}

function place(pairs: Int32Array, mask: number, hash: number, value: number): void {
  let slot = hash & mask;
  while (pairs[2 * slot + 1] !== 0) slot = (slot + 1) & mask;
  pairs[2 * slot] = hash;
  pairs[2 * slot + 1] = value;
}

/**
 * @param words keys of the entries, each at word entry << shift
 * @returns entry << 1 | direction of the key at `key[row]`, or -1
 */
export function findKey(
  pairs: Int32Array,
  mask: number,
  words: Int32Array,
  shift: number,
  hash: number,
  key: Int32Array,
  row: number,
): number {
  for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
    const entry = pairs[2 * slot + 1]! - 1;
    if (entry < 0) return -1;
    if (pairs[2 * slot] !== hash) continue;
    const direction = compareKeys(words, entry << shift, key, row);
    if (direction !== DIFFERENT) return (entry << 1) | direction;
  }
}
