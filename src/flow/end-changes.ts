/** Changes of sockets that wait for a packet of their time: a queue for each flow, in the order in which they happened. */
import { grown } from '../core/arrays.ts';
import { FlowEnd } from '../core/flow.ts';
import type { Us } from '../core/time.ts';
import { NONE } from './flow-entries.ts';
import type { Moment } from './moment.ts';
import { sequenceDistance } from './recent-data.ts';

const MOST = 65_536; // changes that wait
const MIN_ROWS = 256;

export const NO_CHANGE = 0; // row 0 is never used

/** What a change waits for: a time, or octets of TCP in that direction of the flow. */
export const Edge = { None: 0, Original: 1, Reply: 2 } as const;

/** Rows of all queues; a full pool refuses. */
export class EndChanges {
  atUs = new Float64Array(MIN_ROWS); // from this packet time on, CLOCK_BOOTTIME
  cookie = new Float64Array(MIN_ROWS); // of the socket that the end has then; 0: none
  side = new Uint8Array(MIN_ROWS); // 0: source of the flow's key, 1: its destination
  endReason = new Uint8Array(MIN_ROWS); // FlowEnd of the flow so far; None: it goes on
  edge = new Uint8Array(MIN_ROWS); // Edge
  sequence = new Uint32Array(MIN_ROWS); // where the octets begin, with an edge
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

  has(id: number): boolean {
    return this.first(id) !== NO_CHANGE;
  }

  last(id: number): number {
    return this.first(id) === NO_CHANGE ? NO_CHANGE : this.#tails[id]!;
  }

  /** @returns false when there is no room */
  append(
    id: number,
    atUs: Us,
    side: number,
    cookie: number,
    endReason: number,
    edge: number = Edge.None,
    sequence = 0,
  ): boolean {
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
    this.edge[row] = edge;
    this.sequence[row] = sequence;
    this.next[row] = NO_CHANGE;
    this.#count++;
    return true;
  }

  /**
   * Whether that change has happened by then; not so of NO_CHANGE. Octets that wait for room leave long after the process
   * that wrote them was told, so time says nothing of TCP unless nothing is sent any more.
   *
   * @param lastUs time of the flow's last packet
   */
  isDue(row: number, moment: Moment, lastUs: Us): boolean {
    if (row === NO_CHANGE) return false;
    if (this.edge[row] === Edge.None) return this.atUs[row]! <= moment.us;
    if (moment.direction === NONE) return Math.max(this.atUs[row]!, lastUs) <= moment.us;
    const isThere = this.edge[row] === Edge.Original + moment.direction;
    return isThere && sequenceDistance(moment.toSequence, this.sequence[row]!) > 0;
  }

  /** The change by which the flow ends until then, NO_CHANGE when none does. */
  ending(id: number, moment: Moment, lastUs: Us): number {
    let row = this.first(id);
    while (this.isDue(row, moment, lastUs) && this.endReason[row] === FlowEnd.None) row = this.next[row]!;
    return this.isDue(row, moment, lastUs) ? row : NO_CHANGE;
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
    this.edge = grown(this.edge, new Uint8Array(size));
    this.sequence = grown(this.sequence, new Uint32Array(size));
    this.next = grown(this.next, new Int32Array(size));
  }
}
