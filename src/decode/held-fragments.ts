/** Later fragments whose batch is over before their first one came, which alone has ports. */
import { createDecodedBatch, type DecodedBatch, DecodeStatus } from '../core/decoded.ts';
import { createPacketBatch, type PacketBatch } from '../core/packet.ts';
import { KEY_WORDS } from '../core/tuple.ts';
import { FRAGMENT_LIFETIME_SEC, joinFirst, sameEnds } from './fragment-rows.ts';

const MOST = 1024; // rows: 23 datagrams of 64 KiB over Ethernet

const NOBODY = -1; // in place of a protocol: the slot is free

/** Packets without their octets, and what was decoded of them. */
export interface LooseRows {
  readonly batch: PacketBatch;
  readonly decoded: DecodedBatch;
}

const createRows = (capacity: number): LooseRows => ({
  batch: createPacketBatch(capacity, 0),
  decoded: createDecodedBatch(capacity),
});

/**
 * A ring of rows that were taken out of their batches. Each is released once: with protocol and ports of its first
 * fragment when that comes, else as it is, when it waited for too long or its place is needed.
 */
export class HeldFragments {
  readonly #held = createRows(MOST);
  readonly #protocols = new Int32Array(MOST).fill(NOBODY);
  readonly #ids = new Int32Array(MOST);
  readonly #released: LooseRows;
  #next = 0; // slot: the oldest when all are taken
  #count = 0;
  #releasedCount = 0;

  /** @param mostABatch rows that are held at the end of one batch */
  constructor(mostABatch: number) {
    this.#released = createRows(MOST + mostABatch);
  }

  /** Takes row `i` out of its batch. */
  hold(batch: PacketBatch, out: DecodedBatch, i: number, protocol: number, id: number): void {
    const slot = this.#next;
    this.#next = (slot + 1) % MOST;
    if (this.#protocols[slot] !== NOBODY) this.#release(slot);
    copyRow(batch, out, i, this.#held, slot);
    this.#protocols[slot] = protocol;
    this.#ids[slot] = id;
    this.#count++;
    out.status[i] = DecodeStatus.Held;
  }

  /** Releases those whose first fragment is in row `first` of `out`, with its protocol and ports. */
  join(out: DecodedBatch, first: number, protocol: number, id: number, sec: number): void {
    if (this.#count === 0) return;
    const { key } = this.#held.decoded;
    for (let slot = 0; slot < MOST; slot++) {
      if (this.#ids[slot] !== id || this.#protocols[slot] !== protocol) continue;
      if (this.#age(slot, sec) > FRAGMENT_LIFETIME_SEC) continue; // identifications are used again
      if (!sameEnds(key, slot * KEY_WORDS, out.key, first * KEY_WORDS)) continue;
      joinFirst(key, slot * KEY_WORDS, out.key, first * KEY_WORDS);
      this.#release(slot);
    }
  }

  /** Releases those that waited for too long. @param sec packet time now */
  expire(sec: number): void {
    if (this.#count === 0) return;
    for (let slot = 0; slot < MOST; slot++) {
      if (this.#protocols[slot] !== NOBODY && this.#age(slot, sec) > FRAGMENT_LIFETIME_SEC) this.#release(slot);
    }
  }

  releaseAll(): void {
    if (this.#count === 0) return;
    for (let n = 0; n < MOST; n++) {
      const slot = (this.#next + n) % MOST;
      if (this.#protocols[slot] !== NOBODY) this.#release(slot);
    }
  }

  /** Rows released since the last call, valid until the next one is; undefined: none. */
  take(): LooseRows | undefined {
    if (this.#releasedCount === 0) return undefined;
    this.#released.batch.count = this.#releasedCount;
    this.#releasedCount = 0;
    return this.#released;
  }

  #age(slot: number, sec: number): number {
    return Math.abs(sec - this.#held.batch.sec[slot]!);
  }

  #release(slot: number): void {
    const { batch, decoded } = this.#held;
    copyRow(batch, decoded, slot, this.#released, this.#releasedCount++);
    this.#protocols[slot] = NOBODY;
    this.#count--;
  }
}

/** All but octets and transport header, which later fragments do not have. */
function copyRow(batch: PacketBatch, out: DecodedBatch, i: number, to: LooseRows, j: number): void {
  to.batch.origLen[j] = batch.origLen[i]!;
  to.batch.sec[j] = batch.sec[i]!;
  to.batch.nsec[j] = batch.nsec[i]!;
  to.batch.ifindex[j] = batch.ifindex[i]!;
  to.batch.pktType[j] = batch.pktType[i]!;
  to.decoded.status[j] = DecodeStatus.Ok;
  to.decoded.ipBytes[j] = out.ipBytes[i]!;
  for (let w = 0; w < KEY_WORDS; w++) to.decoded.key[j * KEY_WORDS + w] = out.key[i * KEY_WORDS + w]!;
}
