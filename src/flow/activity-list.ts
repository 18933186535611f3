/** Flows of one kind of time-out, least recently active first: a doubly linked list inside FlowEntries. */
import { type FlowEntries, NONE } from './flow-entries.ts';

export class ActivityList {
  head = NONE; // least recently active
  #tail = NONE;
  readonly #entries: FlowEntries;

  constructor(entries: FlowEntries) {
    this.#entries = entries;
  }

  append(id: number): void {
    const { prev, next } = this.#entries;
    const tail = this.#tail;
    prev[id] = tail;
    next[id] = NONE;
    if (tail === NONE) this.head = id;
    else next[tail] = id;
    this.#tail = id;
  }

  remove(id: number): void {
    const { prev, next } = this.#entries;
    const before = prev[id]!;
    const after = next[id]!;
    if (before === NONE) this.head = after;
    else next[before] = after;
    if (after === NONE) this.#tail = before;
    else prev[after] = before;
  }

  moveToEnd(id: number): void {
    if (id === this.#tail) return;
    this.remove(id);
    this.append(id);
  }
}
