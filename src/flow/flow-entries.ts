/** Storage of the flow table: what each packet touches in 128 octets a flow, the rest in columns of their own. */
import { KEY_WORDS } from '../core/tuple.ts';

/** Words of a hot entry, two cache lines. Entry `id` begins at word id << ENTRY_SHIFT; its key is in words 0 to 10. */
export const ENTRY_SHIFT = 5;
export const E_STATE = KEY_WORDS; // bits of flow-state.ts
export const E_IFINDEX = 14; // place of the first sighting (see FlowTable), original then reply; NO_IFINDEX: no packet yet
export const E_EPOCH = 30; // activity epoch in which the flow was last touched
export const E_SIGHTINGS = 31; // first row in Sightings; 0: only the one in this entry

/** Doubles of the same entry, which begins at double id << DOUBLE_SHIFT. */
export const DOUBLE_SHIFT = 4;
export const D_LAST = 6; // lastBootUs, words 12 and 13
export const D_FIRST = 8; // firstBootUs, words 16 and 17
export const D_COUNTERS = 9; // packets, bytes, ipBytes of the original direction, then of the reply; words 18 to 29
export const COUNTERS = 3;

export const NO_IFINDEX = -1;
export const UNTOUCHED = -1; // epoch of a flow that its next packet has to touch
export const NONE = -1; // no entry

const MIN_ENTRIES = 1024;

/** Entries 0 to capacity - 1 with a free list; memory doubles up to the capacity. Arrays are replaced when it does. */
export class FlowEntries {
  words: Int32Array; // hot entries
  doubles: Float64Array; // the same memory
  hash: Int32Array;
  prev: Int32Array; // neighbours in an ActivityList; `next` also links free entries
  next: Int32Array;
  changedAt: Int32Array; // index in the list of changed flows, NONE: unchanged since its row was sent
  ifindex: Uint32Array; // of the first packet
  synSeq: Uint32Array; // [2 a flow] sequence number of the first SYN, original then reply
  firstSeq: Uint32Array; // [2 a flow] sequence number of the first packet of either direction
  mark: Int32Array; // fingerprint of the first packet, where packets of several namespaces come
  link: Int32Array; // aliases.ts: of an alias its flow, of a flow its first alias, or NONE
  serial: Float64Array;
  firstUs: Float64Array; // microseconds since the epoch
  endedBootUs: Float64Array;
  sentBootUs: Float64Array; // drain that last sent a row
  duplicatePackets: Float64Array; // as that row said
  duplicateBytes: Float64Array;
  readonly #capacity: number;
  #free = NONE;
  #used = 0; // entries that were ever used

  constructor(capacity: number) {
    this.#capacity = capacity;
    const size = Math.min(MIN_ENTRIES, capacity);
    this.words = new Int32Array(size << ENTRY_SHIFT);
    this.doubles = new Float64Array(this.words.buffer);
    this.hash = new Int32Array(size);
    this.prev = new Int32Array(size);
    this.next = new Int32Array(size);
    this.changedAt = new Int32Array(size);
    this.ifindex = new Uint32Array(size);
    this.synSeq = new Uint32Array(size * 2);
    this.firstSeq = new Uint32Array(size * 2);
    this.mark = new Int32Array(size);
    this.link = new Int32Array(size);
    this.serial = new Float64Array(size);
    this.firstUs = new Float64Array(size);
    this.endedBootUs = new Float64Array(size);
    this.sentBootUs = new Float64Array(size);
    this.duplicatePackets = new Float64Array(size);
    this.duplicateBytes = new Float64Array(size);
  }

  /** @returns an entry whose content is left over from an earlier flow, or NONE when the table is full */
  take(): number {
    const id = this.#free;
    if (id !== NONE) {
      this.#free = this.next[id]!;
      return id;
    }
    if (this.#used === this.hash.length) {
      if (this.#used === this.#capacity) return NONE;
      this.#grow(Math.min(this.#used * 2, this.#capacity));
    }
    return this.#used++;
  }

  /** Whether the flow has a packet. */
  hasCounted(id: number): boolean {
    const at = (id << DOUBLE_SHIFT) + D_COUNTERS;
    return this.doubles[at]! + this.doubles[at + COUNTERS]! > 0;
  }

  release(id: number): void {
    this.next[id] = this.#free;
    this.#free = id;
  }

  #grow(size: number): void {
    const words = new Int32Array(size << ENTRY_SHIFT);
    words.set(this.words);
    this.words = words;
    this.doubles = new Float64Array(words.buffer);
    this.hash = grown(this.hash, new Int32Array(size));
    this.prev = grown(this.prev, new Int32Array(size));
    this.next = grown(this.next, new Int32Array(size));
    this.changedAt = grown(this.changedAt, new Int32Array(size));
    this.ifindex = grown(this.ifindex, new Uint32Array(size));
    this.synSeq = grown(this.synSeq, new Uint32Array(size * 2));
    this.firstSeq = grown(this.firstSeq, new Uint32Array(size * 2));
    this.mark = grown(this.mark, new Int32Array(size));
    this.link = grown(this.link, new Int32Array(size));
    this.serial = grown(this.serial, new Float64Array(size));
    this.firstUs = grown(this.firstUs, new Float64Array(size));
    this.endedBootUs = grown(this.endedBootUs, new Float64Array(size));
    this.sentBootUs = grown(this.sentBootUs, new Float64Array(size));
    this.duplicatePackets = grown(this.duplicatePackets, new Float64Array(size));
    this.duplicateBytes = grown(this.duplicateBytes, new Float64Array(size));
  }
}

function grown<T extends Int32Array | Uint32Array | Float64Array>(old: T, next: T): T {
  next.set(old);
  return next;
}
