import { FlowSide } from '../core/attribution.ts';
import { RowIndex } from '../core/row-index.ts';
import type { Us } from '../core/time.ts';
import { equalKeys, hashKey, hashPort, K_META, KEY_WORDS, keyFirstPort, keyProtocol, mixHash } from '../core/tuple.ts';
import type { FlowEnd } from './flow-end.ts';
import { RowStore } from './row-store.ts';

/** What was said of an end that no socket of its own namespace can have: only a named process is worth more. */
export const Standing = { Local: 0, NotLocal: 1, Forwarded: 2, Kernel: 3 } as const;

const PENDING_COLUMNS = {
  serial: 'f64',
  side: 'u8', // FlowSide: the source began the flow
  key: 'key', // this end first
  nat: 'key',
  firstUs: 'f64',
  lastUs: 'f64',
  netns: 'f64',
  cookie: 'f64', // as the flow table says
  socket: 'f64', // cookie of the socket that the last answer spoke of, 0: none
  ended: 'u8',
  refused: 'u8',
  cut: 'u8',
  handed: 'u8',
  handedUs: 'f64',
  cutUs: 'f64',
  multicast: 'u8',
  standing: 'u8',
  ifindex: 'u32',
  rank: 'u8', // of the answer given so far, plus 1
  holders: 'u32', // that it spoke of
  asked: 'u8', // 1: stands in the queue of #dirty
  queued: 'u8', // 1: stands in #ended, perhaps since the row was another's
} as const;

/** What a later row of a flow adds. */
export type Extension = Pick<FlowEnd, 'lastUs' | 'ended' | 'isRefused' | 'isCut'> & {
  readonly cutUs: readonly [src: Us, dst: Us];
};

/**
 * Ends of flows whose owner is not proven yet. Facts that arrive later mark the ends they could name; only those are
 * asked again, so waiting costs nothing.
 */
export class PendingEnds {
  readonly #store = new RowStore(PENDING_COLUMNS);
  readonly rows = this.#store.columns;
  readonly #bySerial = new RowIndex();
  readonly #byTuple = new RowIndex();
  readonly #byNat = new RowIndex(); // only translated ones
  readonly #byPort = new RowIndex();
  readonly #bySocket = new RowIndex();
  #ended: number[] = []; // rows in order of their end, oldest first
  #dirty: number[] = [];
  #taken = 0; // of #dirty

  get size(): number {
    return this.#store.size;
  }

  /**
   * @param end its `key` and `nat` at `end.at` with this end first
   * @param rank of what was said of it already, plus 1
   */
  add(serial: number, side: number, end: FlowEnd, standing: number, rank: number): void {
    const row = this.#store.take();
    const { rows } = this;
    rows.serial[row] = serial;
    rows.side[row] = side;
    const at = row * KEY_WORDS;
    for (let w = 0; w < KEY_WORDS; w++) rows.key[at + w] = end.key[end.at + w]!;
    for (let w = 0; w < KEY_WORDS; w++) rows.nat[at + w] = end.nat[end.at + w]!;
    rows.firstUs[row] = end.firstUs;
    rows.lastUs[row] = end.lastUs;
    rows.netns[row] = end.netns;
    rows.cookie[row] = end.cookie;
    rows.socket[row] = 0;
    rows.ended[row] = 0;
    rows.refused[row] = end.isRefused ? 1 : 0;
    rows.cut[row] = end.isCut ? 1 : 0;
    rows.handed[row] = end.isHanded ? 1 : 0;
    rows.handedUs[row] = end.handedUs;
    rows.cutUs[row] = end.cutUs;
    rows.multicast[row] = end.isMulticast ? 1 : 0;
    rows.standing[row] = standing;
    rows.ifindex[row] = end.ifindex;
    rows.rank[row] = rank;
    rows.holders[row] = 0;
    rows.asked[row] = 0;
    this.#bySerial.add(mixHash(serial | 0), row);
    this.#byTuple.add(hashKey(rows.key, at), row);
    if (rows.nat[at + K_META] !== 0) this.#byNat.add(hashKey(rows.nat, at), row);
    if (standing === Standing.Local)
      this.#byPort.add(hashPort(keyProtocol(rows.key, at), keyFirstPort(rows.key, at)), row);
    this.setSocket(row, end.cookie);
    this.#ask(row);
    if (end.ended) this.#end(row);
  }

  /** First row of a flow, -1: none waits. */
  firstOf(serial: number): number {
    return this.#skipTo(this.#bySerial.first(mixHash(serial | 0)), serial);
  }

  nextOf(row: number): number {
    return this.#skipTo(this.#bySerial.next(row), this.rows.serial[row]!);
  }

  /** More packets, or the end, of a flow: its interval grows. */
  extend(row: number, { lastUs, ended, isRefused, isCut, cutUs }: Extension, cookie: number): void {
    const { rows } = this;
    const isNews = cookie !== 0 && rows.cookie[row] !== cookie;
    rows.lastUs[row] = lastUs;
    rows.refused[row] = isRefused ? 1 : 0;
    rows.cut[row] = isCut ? 1 : 0;
    rows.cutUs[row] = cutUs[rows.side[row] === FlowSide.Src ? 0 : 1];
    if (isNews) {
      rows.cookie[row] = cookie;
      this.setSocket(row, cookie);
    }
    if (ended) this.#end(row);
    if (isNews || rows.standing[row] === Standing.Local || rows.socket[row] !== 0) this.#ask(row);
  }

  /** Its answer speaks of the socket with that cookie: news of it concern this end. */
  setSocket(row: number, cookie: number): void {
    if (this.rows.socket[row] === cookie) return;
    this.#bySocket.remove(row);
    this.rows.socket[row] = cookie;
    if (cookie !== 0) this.#bySocket.add(mixHash(cookie | 0), row);
  }

  /** A socket was seen on that tuple. */
  touchTuple(key: Int32Array, at: number): void {
    const hash = hashKey(key, at);
    for (let row = this.#byTuple.first(hash); row !== -1; row = this.#byTuple.next(row)) {
      if (equalKeys(this.rows.key, row * KEY_WORDS, key, at)) this.#ask(row);
    }
    for (let row = this.#byNat.first(hash); row !== -1; row = this.#byNat.next(row)) {
      if (equalKeys(this.rows.nat, row * KEY_WORDS, key, at)) this.#ask(row);
    }
  }

  /** Whether an end on that tuple still waits. */
  isOn(key: Int32Array, at: number): boolean {
    const hash = hashKey(key, at);
    for (let row = this.#byTuple.first(hash); row !== -1; row = this.#byTuple.next(row))
      if (equalKeys(this.rows.key, row * KEY_WORDS, key, at)) return true;
    for (let row = this.#byNat.first(hash); row !== -1; row = this.#byNat.next(row))
      if (equalKeys(this.rows.nat, row * KEY_WORDS, key, at)) return true;
    return false;
  }

  touchPort(protocol: number, port: number): void {
    for (let row = this.#byPort.first(hashPort(protocol, port)); row !== -1; row = this.#byPort.next(row)) {
      const at = row * KEY_WORDS;
      if (keyProtocol(this.rows.key, at) === protocol && keyFirstPort(this.rows.key, at) === port) this.#ask(row);
    }
  }

  /** Somebody acted on that socket: of interest to flows that had packets since `sinceUs`, or whose rank satisfies `test`. */
  touchSocket(cookie: number, sinceUs: Us, test: (rank: number) => boolean): void {
    const { rows } = this;
    for (let row = this.#bySocket.first(mixHash(cookie | 0)); row !== -1; row = this.#bySocket.next(row)) {
      if (rows.socket[row] !== cookie) continue;
      if (rows.lastUs[row]! >= sinceUs || rows.rank[row] === 0 || test(rows.rank[row]! - 1)) this.#ask(row);
    }
  }

  /** Marks ends of flows that live, or ended since `sinceUs`, whose rank satisfies `test`. */
  touchRanked(test: (rank: number) => boolean, sinceUs: Us): void {
    const { ended, lastUs, rank } = this.rows;
    for (const row of this.#store.rows()) {
      if (ended[row] === 1 && lastUs[row]! < sinceUs) continue;
      if (rank[row] !== 0 && test(rank[row]! - 1)) this.#ask(row);
    }
  }

  /** Rows to ask again, the oldest `most` of the queue. */
  takeDirty(most = Infinity): readonly number[] {
    const until = Math.min(this.#dirty.length, this.#taken + most);
    const rows: number[] = [];
    for (; this.#taken < until; this.#taken++) {
      const row = this.#dirty[this.#taken]!;
      if (!this.#store.isLive(row) || this.rows.asked[row] === 0) continue;
      this.rows.asked[row] = 0;
      rows.push(row);
    }
    if (this.#taken === this.#dirty.length) {
      this.#dirty = [];
      this.#taken = 0;
    }
    return rows;
  }

  get dirty(): number {
    return this.#dirty.length - this.#taken;
  }

  /** View of a row for attribute(); valid until the row is settled. */
  view(row: number): FlowEnd {
    const { rows } = this;
    return {
      key: rows.key,
      nat: rows.nat,
      at: row * KEY_WORDS,
      firstUs: rows.firstUs[row]!,
      lastUs: rows.lastUs[row]!,
      ended: rows.ended[row] === 1,
      beganIt: rows.side[row] === FlowSide.Src,
      isRefused: rows.refused[row] === 1,
      isCut: rows.cut[row] === 1,
      isHanded: rows.handed[row] === 1,
      handedUs: rows.handedUs[row]!,
      cutUs: rows.cutUs[row]!,
      ifindex: rows.ifindex[row]!,
      netns: rows.netns[row]!,
      cookie: rows.cookie[row]!,
      isMulticast: rows.multicast[row] === 1,
      isForeign: rows.standing[row] !== Standing.Local,
    };
  }

  /** The end has its final answer. */
  settle(row: number): void {
    for (const index of [this.#bySerial, this.#byTuple, this.#byNat, this.#byPort, this.#bySocket]) index.remove(row);
    this.rows.asked[row] = 0;
    this.#store.free(row);
  }

  /**
   * Gives up on flows that have ended.
   *
   * @param isOver whether the end of that row has waited long enough
   * @param most of those that have waited less; the oldest go
   */
  giveUp(isOver: (row: number) => boolean, most: number): void {
    const waiting: number[] = [];
    for (const row of this.#ended) {
      const isWaiting = this.#store.isLive(row) && this.rows.ended[row] === 1;
      if (isWaiting && !isOver(row)) waiting.push(row);
      else this.#leave(row, isWaiting);
    }
    const over = Math.max(0, waiting.length - most);
    for (const row of waiting.slice(0, over)) this.#leave(row, true);
    this.#ended = waiting.slice(over);
  }

  #skipTo(from: number, serial: number): number {
    let row = from;
    while (row !== -1 && this.rows.serial[row] !== serial) row = this.#bySerial.next(row);
    return row;
  }

  #leave(row: number, isWaiting: boolean): void {
    this.rows.queued[row] = 0;
    if (isWaiting) this.settle(row);
  }

  #end(row: number): void {
    this.rows.ended[row] = 1;
    if (this.rows.queued[row] === 1) return;
    this.rows.queued[row] = 1;
    this.#ended.push(row);
  }

  #ask(row: number): void {
    if (this.rows.asked[row] === 1) return;
    this.rows.asked[row] = 1;
    this.#dirty.push(row);
  }
}
