/** Address translation in force: which tuple the packets of another one leave with. Of what conntrack tells. */
import { grown } from '../core/arrays.ts';
import { equalKeys, KEY_WORDS, reverseKey } from '../core/tuple.ts';
import { FlowIndex, findKey } from './flow-index.ts';
import { hashKey } from './flow-key.ts';

const MOST = 65_536; // translations; the oldest is forgotten first
const SHIFT = 4; // 16 words a key
const MIN_ROWS = 64;

/**
 * Pairs of tuples (core/tuple.ts, with the index of the namespace that translates): the original as its first sender
 * wrote it, and the translated one in the same direction. Look-ups take either direction of either.
 */
export class NatTable {
  #originals = new Int32Array(MIN_ROWS << SHIFT);
  #translated = new Int32Array(MIN_ROWS << SHIFT);
  readonly #byOriginal = new FlowIndex();
  readonly #byTranslated = new FlowIndex();
  readonly #rows = new Set<number>(); // in use, oldest first
  readonly #free: number[] = [];
  readonly #most: number;
  readonly #seed: number;

  constructor(seed: number, most = MOST) {
    this.#seed = seed;
    this.#most = most;
  }

  get size(): number {
    return this.#rows.size;
  }

  /** Replaces what was known of the same original. */
  set(original: Int32Array, translated: Int32Array): void {
    this.delete(original);
    if (equalKeys(original, 0, translated, 0)) return;
    if (this.#rows.size === this.#most) this.#remove(this.#rows.values().next().value!);
    const row = this.#free.pop() ?? this.#rows.size;
    if (row << SHIFT === this.#originals.length) this.#grow();
    this.#originals.set(original, row << SHIFT);
    this.#translated.set(translated, row << SHIFT);
    this.#byOriginal.insert(hashKey(original, 0, this.#seed), row);
    this.#byTranslated.insert(hashKey(translated, 0, this.#seed), row);
    this.#rows.add(row);
  }

  delete(original: Int32Array): void {
    const way = this.#find(this.#byOriginal, this.#originals, original);
    if (way >= 0) this.#remove(way >> 1);
  }

  /** Writes the original of the translated tuple `key` to `out`, in the direction of `key`. @returns whether */
  originalOf(key: Int32Array, out: Int32Array): boolean {
    return this.#other(this.#byTranslated, this.#translated, this.#originals, key, out);
  }

  /** Writes what the original tuple `key` becomes to `out`, in the direction of `key`. @returns whether */
  translationOf(key: Int32Array, out: Int32Array): boolean {
    return this.#other(this.#byOriginal, this.#originals, this.#translated, key, out);
  }

  #other(index: FlowIndex, from: Int32Array, to: Int32Array, key: Int32Array, out: Int32Array): boolean {
    if (this.#rows.size === 0) return false;
    const way = this.#find(index, from, key);
    if (way < 0) return false;
    const row = (way >> 1) << SHIFT;
    if ((way & 1) === 1) reverseKey(to, row, out, 0);
    else for (let w = 0; w < KEY_WORDS; w++) out[w] = to[row + w]!;
    return true;
  }

  #find(index: FlowIndex, keys: Int32Array, key: Int32Array): number {
    return findKey(index.pairs, index.mask, keys, SHIFT, hashKey(key, 0, this.#seed), key, 0);
  }

  #remove(row: number): void {
    this.#byOriginal.remove(hashKey(this.#originals, row << SHIFT, this.#seed), row);
    this.#byTranslated.remove(hashKey(this.#translated, row << SHIFT, this.#seed), row);
    this.#rows.delete(row);
    this.#free.push(row);
  }

  #grow(): void {
    const length = this.#originals.length * 2;
    this.#originals = grown(this.#originals, new Int32Array(length));
    this.#translated = grown(this.#translated, new Int32Array(length));
  }
}
