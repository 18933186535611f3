import { freeOutgrown } from '../core/arrays.ts';
import { hashNumbers } from './key-filter.ts';

const FIRST_ENTRIES = 1024; // power of two
/** A larger map, which a burst left behind, gives its memory back once it was taken. */
const MOST_KEPT = 1 << 16;

/** Takes a row: a key and its sums. It may write into `row`, which is the next one afterwards. */
export type TakeRow = (row: number[], isLess: boolean) => void;

/**
 * Sums by key, in memory: what many flows of a tick add to one row is written once. An open-addressing hash table of
 * numbers, as a string for every key took longer than to write the row.
 */
export class SumMap {
  readonly #keyLength: number;
  readonly #width: number; // numbers of an entry
  #values!: Float64Array<ArrayBuffer>; // [entries * width], each its key, then its sums
  #slots!: Int32Array<ArrayBuffer>; // [2 * entries at least]: number of an entry, from 1; 0: empty
  #count = 0;

  constructor(keyLength: number, sums: number) {
    this.#keyLength = keyLength;
    this.#width = keyLength + sums;
    this.#reset(FIRST_ENTRIES);
  }

  /** @param key its first numbers. @param sums from `at` on */
  add(key: readonly number[], sums: readonly number[], at = 0): void {
    const begin = this.#entryOf(key) * this.#width + this.#keyLength;
    for (let i = 0; i < this.#width - this.#keyLength; i++) this.#values[begin + i]! += sums[at + i]!;
    if (this.#count * this.#width === this.#values.length) this.#grow();
  }

  /** Takes what did not come to nothing: first what is taken away, so that it makes room, then what is added. */
  take(visit: TakeRow): void {
    const entries = this.#count;
    const isLess = new Uint8Array(entries);
    const row: number[] = new Array(this.#width).fill(0);
    for (let entry = 0; entry < entries; entry++) {
      if (!this.#some(entry, (sum) => sum < 0)) continue;
      isLess[entry] = 1;
      visit(this.#read(entry, row), true);
    }
    for (let entry = 0; entry < entries; entry++) {
      if (isLess[entry] === 0 && this.#some(entry, (sum) => sum > 0)) visit(this.#read(entry, row), false);
    }
    this.clear();
  }

  clear(): void {
    if (this.#values.length > MOST_KEPT * this.#width) this.#reset(FIRST_ENTRIES);
    else if (this.#count > 0) this.#slots.fill(0);
    this.#count = 0;
  }

  #some(entry: number, is: (sum: number) => boolean): boolean {
    const end = (entry + 1) * this.#width;
    for (let i = entry * this.#width + this.#keyLength; i < end; i++) if (is(this.#values[i]!)) return true;
    return false;
  }

  #read(entry: number, row: number[]): number[] {
    for (let i = 0; i < this.#width; i++) row[i] = this.#values[entry * this.#width + i]!;
    return row;
  }

  /** @returns entry of the key, which is made when there is none */
  #entryOf(key: ArrayLike<number>): number {
    const mask = this.#slots.length - 1;
    let slot = hashNumbers(key, this.#keyLength) & mask;
    for (let entry = this.#slots[slot]!; entry !== 0; entry = this.#slots[slot]!) {
      if (this.#holds(entry - 1, key)) return entry - 1;
      slot = (slot + 1) & mask;
    }
    const at = this.#count * this.#width;
    for (let i = 0; i < this.#keyLength; i++) this.#values[at + i] = key[i]!;
    this.#values.fill(0, at + this.#keyLength, at + this.#width);
    this.#slots[slot] = ++this.#count;
    return this.#count - 1;
  }

  #holds(entry: number, key: ArrayLike<number>): boolean {
    const at = entry * this.#width;
    for (let i = 0; i < this.#keyLength; i++) if (this.#values[at + i] !== key[i]) return false;
    return true;
  }

  #grow(): void {
    const [values, slots, entries] = [this.#values, this.#slots, this.#count];
    this.#reset(entries * 2);
    this.#values.set(values);
    const mask = this.#slots.length - 1;
    for (let entry = 0; entry < entries; entry++) {
      let slot = hashNumbers(values.subarray(entry * this.#width), this.#keyLength) & mask;
      while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
      this.#slots[slot] = entry + 1;
    }
    freeOutgrown([values.buffer, slots.buffer]);
  }

  #reset(entries: number): void {
    this.#values = new Float64Array(entries * this.#width);
    this.#slots = new Int32Array(entries * 2);
  }
}
