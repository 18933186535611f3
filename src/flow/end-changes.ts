/** Changes of sockets that wait for a packet of their time: a queue for each flow, in the order in which they happened. */
import type { Us } from '../core/time.ts';

const MOST = 65_536; // changes that wait
const MIN_ROWS = 256;

export const NO_CHANGE = 0; // row 0 is never used

/** Rows of all queues; a full pool refuses. */
export class EndChanges {
  atUs = new Float64Array(MIN_ROWS); // from this packet time on, CLOCK_BOOTTIME
  cookie = new Float64Array(MIN_ROWS); // of the socket that the end has then; 0: none
  side = new Uint8Array(MIN_ROWS); // 0: source of the flow's key, 1: its destination
  endReason = new Uint8Array(MIN_ROWS); // FlowEnd of the flow so far; None: it goes on
  next = new Int32Array(MIN_ROWS);
  #used = 1;
  #free = NO_CHANGE;
  #count = 0;
  #heads = new Int32Array(0); // first row of each entry
  #tails = new Int32Array(0); // last row, where there is a first one
  readonly #flows = new Set<number>();

  /** Flows with changes that wait. */
  flows(): Iterable<number> {
    return this.#flows;
  }

  first(id: number): number {
    return id < this.#heads.length ? this.#heads[id]! : NO_CHANGE;
  }

  last(id: number): number {
    return this.first(id) === NO_CHANGE ? NO_CHANGE : this.#tails[id]!;
  }

  /** @returns false when there is no room */
  append(id: number, atUs: Us, side: number, cookie: number, endReason: number): boolean {
    if (this.#count === MOST) return false;
    if (id >= this.#heads.length) this.#growQueues(id + 1);
    const row = this.#take();
    const tail = this.last(id);
    if (tail === NO_CHANGE) {
      this.#heads[id] = row;
      this.#flows.add(id);
    } else this.next[tail] = row;
    this.#tails[id] = row;
    this.atUs[row] = tail === NO_CHANGE ? atUs : Math.max(atUs, this.atUs[tail]!);
    this.side[row] = side;
    this.cookie[row] = cookie;
    this.endReason[row] = endReason;
    this.next[row] = NO_CHANGE;
    this.#count++;
    return true;
  }

  /** Removes the first change of a flow that has one. */
  shift(id: number): void {
    const after = this.free(this.first(id));
    this.#heads[id] = after;
    if (after === NO_CHANGE) this.#flows.delete(id);
  }

  /** Takes all changes of a flow that has some out of its queue. @returns the first; free() gives the others */
  detach(id: number): number {
    const row = this.first(id);
    this.#heads[id] = NO_CHANGE;
    this.#flows.delete(id);
    return row;
  }

  /** @returns the row after it */
  free(row: number): number {
    const after = this.next[row]!;
    this.next[row] = this.#free;
    this.#free = row;
    this.#count--;
    return after;
  }

  #take(): number {
    const row = this.#free;
    if (row !== NO_CHANGE) {
      this.#free = this.next[row]!;
      return row;
    }
    if (this.#used === this.next.length) this.#grow(this.#used * 2);
    return this.#used++;
  }

  #growQueues(least: number): void {
    const size = Math.max(1024, 2 ** Math.ceil(Math.log2(least)));
    this.#heads = grown(this.#heads, new Int32Array(size));
    this.#tails = grown(this.#tails, new Int32Array(size));
  }

  #grow(size: number): void {
    this.atUs = grown(this.atUs, new Float64Array(size));
    this.cookie = grown(this.cookie, new Float64Array(size));
    this.side = grown(this.side, new Uint8Array(size));
    this.endReason = grown(this.endReason, new Uint8Array(size));
    this.next = grown(this.next, new Int32Array(size));
  }
}

function grown<T extends Int32Array | Uint8Array | Float64Array>(old: T, next: T): T {
  next.set(old);
  return next;
}
