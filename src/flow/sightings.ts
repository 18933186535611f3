/**
 * The same packet on several interfaces (veth, bridge, uplink) is one packet: a flow counts per direction and
 * interface, and its count is the largest. The first interface is counted inside the flow's entry, the others here.
 */
import { grown } from '../core/arrays.ts';

const MAX_FURTHER = 3; // a direction has at most four interfaces; whatever else sees it counts as duplicate only
const DIRECTION = 0; // words of a row
const IFINDEX = 1;
const NEXT = 2;
const ROW_WORDS = 4;
/** In place of an ifindex: all beyond MAX_FURTHER, and what counts as duplicate in any case. */
export const OTHERS = -1;
const ROW_COUNTERS = 3; // packets, bytes, ipBytes
const MIN_ROWS = 64;

/** Counts of one direction of a flow. */
export interface DirectionCount {
  packets: number; // of the largest sighting
  bytes: number;
  ipBytes: number;
  duplicatePackets: number; // of all the others
  duplicateBytes: number;
}

/** Chains of rows; row 0 is never used, so 0 is the empty chain. */
export class Sightings {
  #words = new Int32Array(MIN_ROWS * ROW_WORDS);
  #counters = new Float64Array(MIN_ROWS * ROW_COUNTERS);
  #used = 1;
  #free = 0;

  /** Rows in use and free. */
  get size(): number {
    return this.#used;
  }

  /** Counts a packet seen on another interface than the entry's own. @returns the chain, which may have a new head */
  count(chain: number, direction: number, ifindex: number, bytes: number, ipBytes: number): number {
    let head = chain;
    let row = this.#find(chain, direction, ifindex | 0);
    if (row === 0) row = head = this.#push(chain, direction, ifindex | 0);
    const at = row * ROW_COUNTERS;
    this.#counters[at]! += 1;
    this.#counters[at + 1]! += bytes;
    this.#counters[at + 2]! += ipBytes;
    return head;
  }

  /** Replaces `into`, which holds the sighting inside the entry, by the largest one and adds the others as duplicates. */
  settle(chain: number, direction: number, into: DirectionCount): void {
    for (let row = chain; row !== 0; row = this.#words[row * ROW_WORDS + NEXT]!) {
      if (this.#words[row * ROW_WORDS + DIRECTION] !== direction) continue;
      const packets = this.#counters[row * ROW_COUNTERS]!;
      const bytes = this.#counters[row * ROW_COUNTERS + 1]!;
      const larger = packets > into.packets && this.#words[row * ROW_WORDS + IFINDEX] !== OTHERS;
      into.duplicatePackets += larger ? into.packets : packets;
      into.duplicateBytes += larger ? into.bytes : bytes;
      if (!larger) continue;
      into.packets = packets;
      into.bytes = bytes;
      into.ipBytes = this.#counters[row * ROW_COUNTERS + 2]!;
    }
  }

  release(chain: number): void {
    for (let row = chain; row !== 0; ) {
      const next = this.#words[row * ROW_WORDS + NEXT]!;
      this.#words[row * ROW_WORDS + NEXT] = this.#free;
      this.#free = row;
      row = next;
    }
  }

  /** @returns the row of that interface, or that of all others when the direction is full and has one; else 0 */
  #find(chain: number, direction: number, ifindex: number): number {
    let others = 0;
    for (let row = chain; row !== 0; row = this.#words[row * ROW_WORDS + NEXT]!) {
      if (this.#words[row * ROW_WORDS + DIRECTION] !== direction) continue;
      const of = this.#words[row * ROW_WORDS + IFINDEX]!;
      if (of === ifindex) return row;
      if (of === OTHERS) others = row;
    }
    return others;
  }

  #push(chain: number, direction: number, ifindex: number): number {
    const row = this.#take();
    const at = row * ROW_WORDS;
    this.#words[at + DIRECTION] = direction;
    this.#words[at + IFINDEX] = this.#isFull(chain, direction) ? OTHERS : ifindex;
    this.#words[at + NEXT] = chain;
    this.#counters.fill(0, row * ROW_COUNTERS, (row + 1) * ROW_COUNTERS);
    return row;
  }

  #isFull(chain: number, direction: number): boolean {
    let further = 0;
    for (let row = chain; row !== 0; row = this.#words[row * ROW_WORDS + NEXT]!) {
      if (this.#words[row * ROW_WORDS + DIRECTION] === direction) further++;
    }
    return further >= MAX_FURTHER;
  }

  #take(): number {
    const row = this.#free;
    if (row !== 0) {
      this.#free = this.#words[row * ROW_WORDS + NEXT]!;
      return row;
    }
    if (this.#used * ROW_WORDS === this.#words.length) {
      this.#words = grown(this.#words, new Int32Array(this.#words.length * 2));
      this.#counters = grown(this.#counters, new Float64Array(this.#counters.length * 2));
    }
    return this.#used++;
  }
}
