/** From the cookie of a socket to the ends of flows that are its: doubly linked lists, an end being 2 * entry + side. */
import { grown } from '../core/arrays.ts';
import { NONE } from './flow-entries.ts';

export class CookieIndex {
  readonly #heads = new Map<number, number>(); // cookie -> first end
  #prev = new Int32Array(0);
  #next = new Int32Array(0);

  /** First end of a socket, NONE if it has none. */
  first(cookie: number): number {
    return this.#heads.get(cookie) ?? NONE;
  }

  next(end: number): number {
    return this.#next[end]!;
  }

  add(cookie: number, end: number): void {
    if (end >= this.#next.length) this.#grow(end + 1);
    const head = this.first(cookie);
    this.#prev[end] = NONE;
    this.#next[end] = head;
    if (head !== NONE) this.#prev[head] = end;
    this.#heads.set(cookie, end);
  }

  /** Removes an end that is there. */
  remove(cookie: number, end: number): void {
    const before = this.#prev[end]!;
    const after = this.#next[end]!;
    if (after !== NONE) this.#prev[after] = before;
    if (before !== NONE) this.#next[before] = after;
    else if (after !== NONE) this.#heads.set(cookie, after);
    else this.#heads.delete(cookie);
  }

  #grow(least: number): void {
    const size = Math.max(2048, 2 ** Math.ceil(Math.log2(least)));
    this.#prev = grown(this.#prev, new Int32Array(size));
    this.#next = grown(this.#next, new Int32Array(size));
  }
}
