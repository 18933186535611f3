/** Socket events whose packet has not come yet: a ring, oldest first, with a list for each tuple. */
import type { Us } from '../core/time.ts';
import { KEY_WORDS } from '../core/tuple.ts';
import { NONE } from './flow-entries.ts';
import { FlowIndex, findKey } from './flow-index.ts';
import { compareKeys } from './flow-key.ts';

export const MOST_WAITING = 65_536;
export const WAIT_US = 2e6;

const SHIFT = 4; // 16 words a row: the key, and
const W_HASH = KEY_WORDS;
const W_NEXT = 12; // next event of the tuple, NONE at its end
const W_TAIL = 13; // of the first event of a tuple: its last one
const W_USE = 14; // what the event tells, as the caller gave it
const W_STATE = 15;
const FREE = 0; // states
const FIRST = 1; // stands in the index
const LATER = 2; // follows another one of its tuple

export class WaitingEvents {
  readonly cookie = new Float64Array(MOST_WAITING);
  readonly atUs = new Float64Array(MOST_WAITING);
  readonly sequence = new Uint32Array(MOST_WAITING); // as the caller gave it
  readonly #words = new Int32Array(MOST_WAITING << SHIFT);
  readonly #index = new FlowIndex();
  #oldest = 0; // counts up for ever; the row is what remains modulo MOST_WAITING
  #end = 0;
  #count = 0;

  get count(): number {
    return this.#count;
  }

  use(row: number): number {
    return this.#words[(row << SHIFT) + W_USE]!;
  }

  /** The oldest event makes room for it. */
  add(key: Int32Array, hash: number, cookie: number, atUs: Us, use: number, sequence = 0): void {
    if (this.#end - this.#oldest === MOST_WAITING) this.#dropOldest();
    const words = this.#words;
    const row = this.#end++ % MOST_WAITING;
    const word = row << SHIFT;
    for (let w = 0; w < KEY_WORDS; w++) words[word + w] = key[w]!;
    words[word + W_HASH] = hash;
    words[word + W_NEXT] = NONE;
    words[word + W_TAIL] = row;
    words[word + W_USE] = use;
    this.cookie[row] = cookie;
    this.atUs[row] = atUs;
    this.sequence[row] = sequence;
    this.#count++;
    const first = this.#find(hash, key, 0);
    words[word + W_STATE] = first === NONE ? FIRST : LATER;
    if (first === NONE) this.#index.insert(hash, row);
    else {
      words[(words[(first << SHIFT) + W_TAIL]! << SHIFT) + W_NEXT] = row;
      words[(first << SHIFT) + W_TAIL] = row;
    }
  }

  /**
   * Takes all events of the tuple at `key[at]` out, in both orders of its ends. Their rows stay as they are until the
   * next add(). @returns the first row; next() gives the others
   */
  take(hash: number, key: Int32Array, at: number): number {
    const first = this.#find(hash, key, at);
    if (first === NONE) return NONE;
    this.#index.remove(hash, first);
    for (let row = first; row !== NONE; row = this.next(row)) {
      this.#words[(row << SHIFT) + W_STATE] = FREE;
      this.#count--;
    }
    return first;
  }

  next(row: number): number {
    return this.#words[(row << SHIFT) + W_NEXT]!;
  }

  /** 0 or 1: the event's first end is that end of the key. */
  sideIn(key: Int32Array, at: number, row: number): number {
    return compareKeys(key, at, this.#words, row << SHIFT);
  }

  /** Forgets events that are too old for a packet to come. */
  expire(nowUs: Us): void {
    while (this.#oldest < this.#end) {
      const row = this.#oldest % MOST_WAITING;
      if (this.#words[(row << SHIFT) + W_STATE] !== FREE && nowUs - this.atUs[row]! <= WAIT_US) return;
      this.#dropOldest();
    }
  }

  /** Every list is in the order of the ring, so the oldest event of all is the first one of its tuple. */
  #dropOldest(): void {
    const words = this.#words;
    const row = this.#oldest++ % MOST_WAITING;
    const word = row << SHIFT;
    if (words[word + W_STATE] === FREE) return;
    words[word + W_STATE] = FREE;
    this.#count--;
    const hash = words[word + W_HASH]!;
    this.#index.remove(hash, row);
    const next = words[word + W_NEXT]!;
    if (next === NONE) return;
    words[(next << SHIFT) + W_TAIL] = words[word + W_TAIL]!;
    words[(next << SHIFT) + W_STATE] = FIRST;
    this.#index.insert(hash, next);
  }

  #find(hash: number, key: Int32Array, at: number): number {
    const way = findKey(this.#index.pairs, this.#index.mask, this.#words, SHIFT, hash, key, at);
    return way < 0 ? NONE : way >> 1;
  }
}
