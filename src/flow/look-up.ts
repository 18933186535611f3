import { K_META, KEY_WORDS } from '../core/tuple.ts';
import { E_IFINDEX, ENTRY_SHIFT, type FlowEntries } from './flow-entries.ts';
import type { FlowIndex } from './flow-index.ts';
import { hashKey } from './flow-key.ts';

/** Packets that are looked up before they are counted. 32 and 4096 both took a fifth longer than 256. */
export const STRETCH = 128;

/** Brings the flows of many packets into the cache at once, so that cache misses overlap. */
export class LookUp {
  readonly hashes = new Int32Array(STRETCH);
  readonly candidates = new Int32Array(STRETCH); // entry with the packet's hash, perhaps not with its key; 0: none, or that one
  touched = 0; // public, so that the loops which read ahead are not optimized away
  readonly #index: FlowIndex;
  readonly #entries: FlowEntries;
  readonly #seed: number;

  constructor(index: FlowIndex, entries: FlowEntries, seed: number) {
    this.#index = index;
    this.#entries = entries;
    this.#seed = seed;
  }

  /** Fills `hashes` and `candidates` for rows `from` to `to`, which are at most STRETCH. Short loops: misses overlap in them. */
  find(key: Int32Array, from: number, to: number): void {
    this.#hash(key, from, to - from);
    this.#probe(to - from);
  }

  #hash(key: Int32Array, from: number, count: number): void {
    const { pairs, mask } = this.#index;
    const { hashes } = this;
    const seed = this.#seed;
    let touched = 0;
    for (let n = 0; n < count; n++) {
      const hash = hashKey(key, (from + n) * KEY_WORDS, seed);
      hashes[n] = hash;
      touched |= pairs[2 * (hash & mask)]!;
    }
    this.touched = touched;
  }

  #probe(count: number): void {
    const { pairs, mask } = this.#index;
    const { words } = this.#entries;
    const { hashes, candidates } = this;
    let touched = 0;
    for (let n = 0; n < count; n++) {
      const hash = hashes[n]!;
      let slot = hash & mask;
      while (pairs[2 * slot] !== hash && pairs[2 * slot + 1] !== 0) slot = (slot + 1) & mask;
      const entry = Math.max(1, pairs[2 * slot + 1]!) - 1;
      candidates[n] = entry;
      const word = entry << ENTRY_SHIFT;
      touched |= words[word + K_META]! ^ words[word + E_IFINDEX]!; // an entry has two cache lines
    }
    this.touched = touched;
  }
}
