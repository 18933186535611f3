import { K_META, KEY_WORDS } from '../core/tuple.ts';
import { E_IFINDEX, ENTRY_SHIFT, type FlowEntries } from './flow-entries.ts';
import { type FlowIndex, findKey } from './flow-index.ts';
import { compareKeys, DIFFERENT, hashKey } from './flow-key.ts';

/** Packets that are looked up before they are counted. 32 and 4096 both took a fifth longer than 256. */
export const STRETCH = 128;

/** Finds the flows of many packets at once, so that cache misses overlap. */
export class LookUp {
  readonly ways = new Int32Array(STRETCH); // entry << 1 | direction of each packet, NONE: its flow is not in the table
  touched = 0; // public, so that the loop which reads ahead is not optimized away
  readonly #hashes = new Int32Array(STRETCH);
  readonly #index: FlowIndex;
  readonly #entries: FlowEntries;
  readonly #seed: number;

  constructor(index: FlowIndex, entries: FlowEntries, seed: number) {
    this.#index = index;
    this.#entries = entries;
    this.#seed = seed;
  }

  /** Fills `ways` for rows `from` to `to`, which are at most STRETCH. */
  find(key: Int32Array, from: number, to: number): void {
    this.#hash(key, from, to - from);
    this.#readAhead(to - from);
    this.#compare(key, from, to - from);
  }

  #hash(key: Int32Array, from: number, count: number): void {
    const hashes = this.#hashes;
    const seed = this.#seed;
    for (let n = 0; n < count; n++) hashes[n] = hashKey(key, (from + n) * KEY_WORDS, seed);
  }

  /** The processor overlaps the misses of short loops: 15 ns a packet less. Entries are counted from 1 in `pairs`. */
  #readAhead(count: number): void {
    const { pairs, mask } = this.#index;
    const { words } = this.#entries;
    const hashes = this.#hashes;
    const ways = this.ways;
    for (let n = 0; n < count; n++) ways[n] = Math.max(1, pairs[2 * (hashes[n]! & mask) + 1]!);
    let touched = 0;
    for (let n = 0; n < count; n++) {
      const word = (ways[n]! - 1) << ENTRY_SHIFT;
      touched |= words[word + K_META]! ^ words[word + E_IFINDEX]!; // an entry has two cache lines
    }
    this.touched = touched;
  }

  #compare(key: Int32Array, from: number, count: number): void {
    const { pairs, mask } = this.#index;
    const { words } = this.#entries;
    const hashes = this.#hashes;
    const ways = this.ways;
    for (let n = 0; n < count; n++) {
      const row = (from + n) * KEY_WORDS;
      const entry = ways[n]! - 1; // nearly always the one; a free entry has no key
      const direction = compareKeys(words, entry << ENTRY_SHIFT, key, row);
      ways[n] =
        direction === DIFFERENT
          ? findKey(pairs, mask, words, ENTRY_SHIFT, hashes[n]!, key, row)
          : (entry << 1) | direction;
    }
  }
}
