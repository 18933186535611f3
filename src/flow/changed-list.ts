/** Flows with something that no row has told yet, so that drain() looks at these and at no others. */
import { grown } from '../core/arrays.ts';
import { type FlowEntries, NONE } from './flow-entries.ts';

export class ChangedList {
  count = 0;
  ids = new Int32Array(1024); // [count] in no order
  readonly #entries: FlowEntries;

  constructor(entries: FlowEntries) {
    this.#entries = entries;
  }

  add(id: number): void {
    if (this.count === this.ids.length) this.ids = grown(this.ids, new Int32Array(this.count * 2));
    this.#entries.changedAt[id] = this.count;
    this.ids[this.count++] = id;
  }

  /** Its last element takes the place of `id`: walk backwards when removing. */
  remove(id: number): void {
    const { changedAt } = this.#entries;
    const at = changedAt[id]!;
    const last = this.ids[--this.count]!;
    this.ids[at] = last;
    changedAt[last] = at;
    changedAt[id] = NONE;
  }
}
