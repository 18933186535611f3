import type { Us } from '../core/time.ts';
import { equalKeys, hashKey, hashPort, KEY_WORDS, keyFirstPort, keyProtocol, mixHash } from '../core/tuple.ts';
import type { FlowEnd } from './find-socket.ts';
import { RowIndex } from './row-index.ts';
import { RowStore } from './row-store.ts';

const PENDING_COLUMNS = {
  serial: 'f64',
  side: 'u8',
  key: 'key', // this end first
  firstUs: 'f64',
  lastUs: 'f64',
  ended: 'u8',
  multicast: 'u8',
  ifindex: 'u32',
  rank: 'u8', // of the answer given so far, plus 1
  holders: 'u32', // that it spoke of
  asked: 'u8', // 1: stands in the queue of #dirty
} as const;

/**
 * Local ends of flows whose owner is not proven yet. Facts that arrive later mark the ends they could
 * name; only those are asked again, so waiting costs nothing.
 */
export class PendingEnds {
  readonly #store = new RowStore(PENDING_COLUMNS);
  readonly rows = this.#store.columns;
  readonly #bySerial = new RowIndex();
  readonly #byTuple = new RowIndex();
  readonly #byPort = new RowIndex();
  readonly #ended: number[] = []; // rows in order of their end, oldest first
  readonly #dirty: number[] = [];

  get size(): number {
    return this.#store.size;
  }

  /** @param key the flow's key with this end first, at `at` */
  add(serial: number, side: number, end: FlowEnd): void {
    const row = this.#store.take();
    const { rows } = this;
    rows.serial[row] = serial;
    rows.side[row] = side;
    rows.key.set(end.key.subarray(end.at, end.at + KEY_WORDS), row * KEY_WORDS);
    rows.firstUs[row] = end.firstUs;
    rows.lastUs[row] = end.lastUs;
    rows.ended[row] = 0;
    rows.multicast[row] = end.multicast ? 1 : 0;
    rows.ifindex[row] = end.ifindex;
    rows.rank[row] = 0;
    rows.holders[row] = 0;
    rows.asked[row] = 0;
    const at = row * KEY_WORDS;
    this.#bySerial.add(mixHash(serial | 0), row);
    this.#byTuple.add(hashKey(rows.key, at), row);
    this.#byPort.add(hashPort(keyProtocol(rows.key, at), keyFirstPort(rows.key, at)), row);
    this.#ask(row);
    if (end.ended) this.#end(row);
  }

  /** More packets, or the end, of a flow: its interval grows. */
  extend(serial: number, lastUs: Us, ended: boolean): void {
    for (let row = this.#bySerial.first(mixHash(serial | 0)); row !== -1; row = this.#bySerial.next(row)) {
      if (this.rows.serial[row] !== serial) continue;
      this.rows.lastUs[row] = lastUs;
      if (ended) this.#end(row);
      this.#ask(row);
    }
  }

  touchTuple(key: Int32Array, at: number): void {
    for (let row = this.#byTuple.first(hashKey(key, at)); row !== -1; row = this.#byTuple.next(row)) {
      if (equalKeys(this.rows.key, row * KEY_WORDS, key, at)) this.#ask(row);
    }
  }

  touchPort(protocol: number, port: number): void {
    for (let row = this.#byPort.first(hashPort(protocol, port)); row !== -1; row = this.#byPort.next(row)) {
      const at = row * KEY_WORDS;
      if (keyProtocol(this.rows.key, at) === protocol && keyFirstPort(this.rows.key, at) === port) this.#ask(row);
    }
  }

  /** Marks ends of flows that live, or ended since `sinceUs`, whose rank satisfies `test`. */
  touchRanked(test: (rank: number) => boolean, sinceUs: Us): void {
    for (const row of this.#store.rows()) {
      if (this.rows.ended[row] === 1 && this.rows.lastUs[row]! < sinceUs) continue;
      if (this.rows.rank[row] !== 0 && test(this.rows.rank[row]! - 1)) this.#ask(row);
    }
  }

  /** Rows to ask again, the oldest `most` of the queue. */
  takeDirty(most = Infinity): readonly number[] {
    const rows = this.#dirty.splice(0, most).filter((row) => this.#store.isLive(row));
    for (const row of rows) this.rows.asked[row] = 0;
    return rows;
  }

  get dirty(): number {
    return this.#dirty.length;
  }

  /** View of a row for attribute(); valid until the row is settled. */
  view(row: number): FlowEnd {
    const { rows } = this;
    return {
      key: rows.key,
      at: row * KEY_WORDS,
      firstUs: rows.firstUs[row]!,
      lastUs: rows.lastUs[row]!,
      ended: rows.ended[row] === 1,
      ifindex: rows.ifindex[row]!,
      multicast: rows.multicast[row] === 1,
    };
  }

  /** The end has its final answer. */
  settle(row: number): void {
    this.#bySerial.remove(row);
    this.#byTuple.remove(row);
    this.#byPort.remove(row);
    this.#store.free(row);
  }

  /** Gives up on flows that ended before `beforeUs`, and on the oldest ended ones beyond `most`. */
  giveUp(beforeUs: Us, most: number): void {
    let gone = 0;
    for (const row of this.#ended) {
      const stillEnded = this.#store.isLive(row) && this.rows.ended[row] === 1;
      if (stillEnded && this.rows.lastUs[row]! >= beforeUs && this.#ended.length - gone <= most) break;
      if (stillEnded) this.settle(row);
      gone++;
    }
    this.#ended.splice(0, gone);
  }

  #end(row: number): void {
    if (this.rows.ended[row] === 1) return;
    this.rows.ended[row] = 1;
    this.#ended.push(row);
  }

  #ask(row: number): void {
    if (this.rows.asked[row] === 1) return;
    this.rows.asked[row] = 1;
    this.#dirty.push(row);
  }
}
