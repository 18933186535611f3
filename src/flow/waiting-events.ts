/** Socket events whose packet has not come yet: a ring, oldest first, with a list for each tuple. */
import type { Us } from '../core/time.ts';
import { K_META, KEY_WORDS, keyProtocol, Protocol } from '../core/tuple.ts';
import { NONE } from './flow-entries.ts';
import { FlowIndex, findKey } from './flow-index.ts';
import { compareKeys, DIFFERENT } from './flow-key.ts';
import { Use } from './socket-use.ts';

export const MOST_WAITING = 65_536;
export const WAIT_US = 2e6;

/** A packet that is sent in one namespace arrives in another one within this time. */
const PASSING_US = 1000;
const CLOCK_ERROR_US = 50; // clocks of packets and of events are read apart

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
  readonly #key = new Int32Array(KEY_WORDS);
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

  /**
   * The first event of the tuple at `key[at]` in another namespace, if it tells who sent the packet that was seen at
   * `seenUs`: read where it arrived before it is read where it left. A moment apart, the same tuple is the same packet.
   * Not of TCP, whose connections are known by their SYN. @returns its row, NONE without one
   */
  sentElsewhere(hash: number, key: Int32Array, at: number, seenUs: Us): number {
    const first = keyProtocol(key, at) === Protocol.Tcp ? NONE : this.#firstElsewhere(hash, key, at);
    const isSender = first !== NONE && this.use(first) === Use.Sends;
    const passed = isSender && seenUs >= this.atUs[first]! - CLOCK_ERROR_US && seenUs <= this.atUs[first]! + PASSING_US;
    return passed ? first : NONE;
  }

  /** Takes that event out, and those that follow on its tuple. @returns as take() */
  takeFrom(first: number): number {
    const word = first << SHIFT;
    return this.take(this.#words[word + W_HASH]!, this.#words, word);
  }

  #firstElsewhere(hash: number, key: Int32Array, at: number): number {
    const { pairs, mask } = this.#index;
    for (let w = 0; w < KEY_WORDS; w++) this.#key[w] = key[at + w]!;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const row = pairs[2 * slot + 1]! - 1;
      if (row === NONE) return NONE;
      if (pairs[2 * slot] !== hash) continue;
      this.#key[K_META] = (key[at + K_META]! & 0xffff) | (this.#words[(row << SHIFT) + K_META]! & ~0xffff);
      if (this.#key[K_META] !== key[at + K_META] && this.sideIn(this.#key, 0, row) !== DIFFERENT) return row;
    }
  }

  next(row: number): number {
    return this.#words[(row << SHIFT) + W_NEXT]!;
  }

  /** 0 or 1: the event's first end is that end of the key. */
  sideIn(key: Int32Array, at: number, row: number): number {
    return compareKeys(key, at, this.#words, row << SHIFT);
  }

  /** The same, whatever the namespaces are. */
  sideOf(key: Int32Array, at: number, row: number): number {
    for (let w = 0; w < KEY_WORDS; w++) this.#key[w] = key[at + w]!;
    this.#key[K_META] = this.#words[(row << SHIFT) + K_META]!;
    return this.sideIn(this.#key, 0, row);
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
