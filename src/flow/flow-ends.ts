/** Which sockets are at both ends of each flow: of entry `id` end 2 * id is the source, 2 * id + 1 the destination. */
import { grown } from '../core/arrays.ts';
import { FlowFlag } from '../core/flow.ts';
import { RowIndex } from '../core/row-index.ts';
import type { Us } from '../core/time.ts';
import { mixHash } from '../core/tuple.ts';
import { NONE } from './flow-entries.ts';

/** In place of a cookie: several sockets receive there, none of them is the one. */
export const SEVERAL = -1;

/** Columns that stay empty, and cost nothing, until somebody tells of a socket. */
export class FlowEnds {
  cookie = new Float64Array(0); // [2 a flow] SO_COOKIE; 0: not known
  upcoming = new Float64Array(0); // [2 a flow] the same after the changes that wait
  heardUs = new Float64Array(0); // [2 a flow] when `upcoming` last received; Infinity: it has sent, which proves more
  handovers = new Uint8Array(0); // [a flow] times that another process took a socket over
  handedUs = new Float64Array(0); // [a flow] when the last one did, with which the flow began; 0: it did not
  cutUs = new Float64Array(0); // [a flow] when the one did with which it ended; 0: none
  turns = new Uint8Array(0); // [a flow] FlowFlag.HandedDst, CutDst

  readonly #byCookie = new RowIndex(); // ends by `upcoming`

  /** Cookie of an end as rows tell it. */
  told(end: number): number {
    return end < this.cookie.length ? Math.max(0, this.cookie[end]!) : 0;
  }

  /** @param isListed endOf() shall find it: not of TCP, which ends by its packets */
  expect(end: number, cookie: number, isListed: boolean): void {
    if (this.upcoming[end] === cookie) return;
    this.#byCookie.remove(end);
    this.upcoming[end] = cookie;
    if (isListed && cookie > 0) this.#byCookie.add(mixHash(cookie | 0), end);
  }

  /** An end where that socket is after the changes that wait, NONE if there is none. */
  endOf(cookie: number): number {
    let end = this.#byCookie.first(mixHash(cookie | 0));
    while (end !== NONE && this.upcoming[end] !== cookie) end = this.#byCookie.next(end);
    return end;
  }

  /** The flow ends because another process took over the socket at that end. */
  cut(id: number, side: number, atUs: Us): void {
    this.cutUs[id] = atUs;
    this.turns[id] = (this.turns[id]! & FlowFlag.HandedDst) | (side === 0 ? 0 : FlowFlag.CutDst);
  }

  /** The flow that follows begins with that. */
  hand(id: number, side: number, atUs: Us): void {
    this.handedUs[id] = atUs;
    this.cutUs[id] = 0;
    this.turns[id] = side === 0 ? 0 : FlowFlag.HandedDst;
  }

  /** Makes room for entry `id`. */
  reserve(id: number): void {
    if (id < this.handovers.length) return;
    const size = Math.max(1024, 2 ** Math.ceil(Math.log2(id + 1)));
    this.cookie = grown(this.cookie, new Float64Array(size * 2));
    this.upcoming = grown(this.upcoming, new Float64Array(size * 2));
    this.heardUs = grown(this.heardUs, new Float64Array(size * 2));
    this.handovers = grown(this.handovers, new Uint8Array(size));
    this.handedUs = grown(this.handedUs, new Float64Array(size));
    this.cutUs = grown(this.cutUs, new Float64Array(size));
    this.turns = grown(this.turns, new Uint8Array(size));
  }

  clear(id: number): void {
    if (id >= this.handovers.length) return;
    this.cookie.fill(0, 2 * id, 2 * id + 2);
    this.upcoming.fill(0, 2 * id, 2 * id + 2);
    this.handovers[id] = 0;
    this.handedUs[id] = 0;
    this.cutUs[id] = 0;
    this.turns[id] = 0;
  }
}
