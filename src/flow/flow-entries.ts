/** Storage of the flow table: what each packet touches in 128 octets a flow, the rest in columns of their own. */
import { K_META, KEY_WORDS } from '../core/tuple.ts';
import { S_ALIAS } from './flow-state.ts';

/**
 * Words of a hot entry. Entry `id` begins at word id << ENTRY_SHIFT; its key is in words 0 to 10. Every packet needs words
 * 0 to 27, so that they are two cache lines also where malloc() lets the array begin 16 octets behind the start of a line.
 */
export const ENTRY_SHIFT = 5;
export const E_EPOCH = KEY_WORDS; // activity epoch in which the flow was last touched
export const E_IFINDEX = 26; // place of the first sighting (see FlowTable), original then reply; NO_IFINDEX: no packet yet
export const E_STATE = 30; // bits of flow-state.ts
export const E_SIGHTINGS = 31; // first row in Sightings; 0: only the one in this entry

/** Doubles of the same entry, which begins at double id << DOUBLE_SHIFT. */
export const DOUBLE_SHIFT = 4;
export const D_LAST = 6; // lastBootUs, words 12 and 13
export const D_COUNTERS = 7; // packets, bytes, ipBytes of the original direction, then of the reply; words 14 to 25
export const D_FIRST = 14; // firstBootUs, words 28 and 29
export const COUNTERS = 3;

const ENTRY_OCTETS = 128 + 6 * 8 + 7 * 4 + 2 * 8; // of all columns

type ArrayRange = [buffer: ArrayBuffer, at: number, length: number];

export const NO_IFINDEX = -1;
export const UNTOUCHED = -1; // epoch of a flow that its next packet has to touch
export const NONE = -1; // no entry
const NO_KEY = -1; // K_META of a free entry, which no packet has

/**
 * Entries 0 to capacity - 1 with a free list. All memory is asked for at once: the system gives a page of it when something
 * is written there, and nothing ever has to be copied.
 */
export class FlowEntries {
  readonly words: Int32Array; // hot entries
  readonly doubles: Float64Array; // the same memory
  readonly hash: Int32Array;
  readonly prev: Int32Array; // neighbours in an ActivityList; `next` also links free entries
  readonly next: Int32Array;
  readonly changedAt: Int32Array; // index in the list of changed flows, NONE: unchanged since its row was sent
  readonly ifindex: Uint32Array; // of the first packet
  readonly synSeq: Uint32Array; // [2 a flow] sequence number of the first SYN, original then reply
  readonly firstSeq: Uint32Array; // [2 a flow] sequence number of the first packet of either direction
  readonly mark: Int32Array; // fingerprint of the first packet, where packets of several namespaces come
  readonly link: Int32Array; // aliases.ts: of an alias its flow, of a flow its first alias, or NONE
  readonly serial: Float64Array;
  readonly firstUs: Float64Array; // microseconds since the epoch
  readonly endedBootUs: Float64Array;
  readonly sentBootUs: Float64Array; // drain that last sent a row
  readonly duplicatePackets: Float64Array; // as that row said
  readonly duplicateBytes: Float64Array;
  readonly #capacity: number;
  #free = NONE;
  #used = 0; // entries that were ever used
  #latest = 0; // that any() returned

  constructor(capacity: number) {
    this.#capacity = capacity;
    const buffer = new ArrayBuffer(capacity * ENTRY_OCTETS); // one: each large one may start a collection of garbage
    let at = 0;
    const doubles = (perEntry: number): Float64Array => {
      const column = new Float64Array(buffer, at, capacity * perEntry);
      at += column.byteLength;
      return column;
    };
    const words = (perEntry: number): ArrayRange => {
      const length = capacity * perEntry;
      at += length * 4;
      return [buffer, at - length * 4, length];
    };
    this.doubles = doubles(1 << DOUBLE_SHIFT);
    this.words = new Int32Array(buffer, 0, capacity << ENTRY_SHIFT);
    this.serial = doubles(1);
    this.firstUs = doubles(1);
    this.endedBootUs = doubles(1);
    this.sentBootUs = doubles(1);
    this.duplicatePackets = doubles(1);
    this.duplicateBytes = doubles(1);
    this.hash = new Int32Array(...words(1));
    this.prev = new Int32Array(...words(1));
    this.next = new Int32Array(...words(1));
    this.changedAt = new Int32Array(...words(1));
    this.mark = new Int32Array(...words(1));
    this.link = new Int32Array(...words(1));
    this.ifindex = new Uint32Array(...words(1));
    this.synSeq = new Uint32Array(...words(2));
    this.firstSeq = new Uint32Array(...words(2));
  }

  /** @returns an entry whose content is left over from an earlier flow, or NONE when the table is full */
  take(): number {
    const id = this.#free;
    if (id !== NONE) {
      this.#free = this.next[id]!;
      return id;
    }
    if (this.#used === this.#capacity) return NONE;
    return this.#used++;
  }

  /** Whether the flow has a packet. */
  hasCounted(id: number): boolean {
    const at = (id << DOUBLE_SHIFT) + D_COUNTERS;
    return this.doubles[at]! + this.doubles[at + COUNTERS]! > 0;
  }

  /** Any flow, NONE when there is none. Repeated while flows leave it goes through memory in order, not from line to line. */
  any(): number {
    for (let n = 0; n < this.#used; n++) {
      if (this.#latest >= this.#used) this.#latest = 0;
      const id = this.#latest;
      const word = id << ENTRY_SHIFT;
      if (this.words[word + K_META] !== NO_KEY && (this.words[word + E_STATE]! & S_ALIAS) === 0) return id;
      this.#latest++;
    }
    return NONE;
  }

  release(id: number): void {
    this.words[(id << ENTRY_SHIFT) + K_META] = NO_KEY;
    this.next[id] = this.#free;
    this.#free = id;
  }
}
