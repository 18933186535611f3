import type { Us } from '../../../core/time.ts';
import { KEY_WORDS } from '../../../core/tuple.ts';

/**
 * When a tuple is looked up again: a connection has no inode before accept(), and a busy server accepts late. A look-up
 * costs 3 µs, a scan for the holders thousands of them, so only the look-up is repeated blindly.
 */
const DELAYS_US: readonly Us[] = [20_000, 80_000, 250_000, 700_000, 2_000_000];
/** The look that comes 250 ms after a socket was found: whoever forks does so at once, and shares what it holds. */
export const CONFIRMING_LOOK = 4;
/** Tuples that wait for one delay; more are left to the periodic dump. */
const CAPACITY = 8192;

/** Tuples (local end first) that are looked up once more: their socket was not known well enough, or may be shared since. */
export class LookAgain {
  readonly #queues = DELAYS_US.map(() => new DueQueue());

  get size(): number {
    return this.#queues.reduce((sum, queue) => sum + queue.size, 0);
  }

  /** @param looks how often the tuple was looked up already, from 1; after the last delay nothing happens */
  add(key: Int32Array, looks: number, nowUs: Us): void {
    const delay = DELAYS_US[looks - 1];
    if (delay !== undefined) this.#queues[looks - 1]!.push(key, nowUs + delay);
  }

  /** Calls `look` for every tuple whose time has come; `key` may be changed, and is valid during the call. */
  takeDue(nowUs: Us, key: Int32Array, look: (key: Int32Array, looks: number) => void): void {
    this.#queues.forEach((queue, i) => {
      while (queue.shift(nowUs, key)) look(key, i + 2);
    });
  }
}

/** A ring: every tuple waits equally long, so they become due in order. */
class DueQueue {
  readonly #keys = new Int32Array(CAPACITY * KEY_WORDS);
  readonly #dueUs = new Float64Array(CAPACITY);
  #head = 0;
  size = 0;

  push(key: Int32Array, dueUs: Us): void {
    if (this.size === CAPACITY) return;
    const at = (this.#head + this.size++) % CAPACITY;
    this.#keys.set(key, at * KEY_WORDS);
    this.#dueUs[at] = dueUs;
  }

  /** @returns whether the oldest was due; `into` then holds it */
  shift(nowUs: Us, into: Int32Array): boolean {
    if (this.size === 0 || this.#dueUs[this.#head]! > nowUs) return false;
    into.set(this.#keys.subarray(this.#head * KEY_WORDS, (this.#head + 1) * KEY_WORDS));
    this.#head = (this.#head + 1) % CAPACITY;
    this.size--;
    return true;
  }
}
