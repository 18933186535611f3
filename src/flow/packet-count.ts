/** The part of the flow table that runs for every packet. */
import { type DecodedBatch, DecodeStatus } from '../core/decoded.ts';
import type { FastPath } from '../core/fast-path.ts';
import type { PacketBatch } from '../core/packet.ts';
import { MINUTE_US, type Us } from '../core/time.ts';
import { KEY_WORDS } from '../core/tuple.ts';
import {
  COUNTERS,
  D_COUNTERS,
  D_LAST,
  DOUBLE_SHIFT,
  E_IFINDEX,
  E_SIGHTINGS,
  ENTRY_SHIFT,
  NONE,
} from './flow-entries.ts';
import { findKey } from './flow-index.ts';
import { compareKeys, DIFFERENT, hashKey } from './flow-key.ts';
import type { FlowLife } from './flow-life.ts';
import { OTHERS } from './sightings.ts';

/** Interface numbers of different namespaces meet: both together, mixed into 32 bits, are the place of a sighting. */
const NAMESPACE = 0x9e3779b1;
/** Of `numbers` and `moment`, see FastPath.countFlows(). */
const EPOCH = 1;
const NETNS = 2;
const OFFSET_US = 0;
const EARLIEST_US = 1;
const NOW_US = 2;
const BEGIN_US = 3;
const END_US = 4;
/** Of `totals`. */
const PACKETS = 0;
const BYTES = 1;
const IP_BYTES = 2;
const LATEST_US = 3;

const NO_SERIALS = new Float64Array(0);
const NO_WAYS = new Int32Array(0);

export class PacketCount {
  readonly #life: FlowLife;
  readonly #fast: FastPath | undefined;
  readonly #epochUs: Us;
  readonly #numbers: Int32Array;
  readonly #moment = new Float64Array(5).fill(-Infinity);
  readonly #totals = Float64Array.of(0, 0, 0, -Infinity);
  #rows = new Uint16Array(0); // of a batch with which something may begin or end
  #candidates = new Int32Array(0); // entry with such a row's hash, perhaps not with its key; NONE
  #hashes = new Int32Array(0);
  #ways = NO_WAYS; // of all rows of a batch

  /** @param epochUs time in which a flow looks at its time-outs, and moves in its activity list, only once */
  constructor(life: FlowLife, seed: number, epochUs: Us, fast: FastPath | undefined) {
    this.#life = life;
    this.#fast = fast;
    this.#epochUs = epochUs;
    this.#numbers = Int32Array.of(seed, life.epoch, 0);
  }

  /** Ok ones. */
  get packets(): number {
    return this.#totals[PACKETS]!;
  }

  /** frame.len */
  get bytes(): number {
    return this.#totals[BYTES]!;
  }

  get ipBytes(): number {
    return this.#totals[IP_BYTES]!;
  }

  /** The largest packet time. */
  get latestBootUs(): Us {
    return this.#totals[LATEST_US]!;
  }

  /**
   * Counts the Ok packets of a batch, as FlowTable.add() has it.
   *
   * @param earliestUs packets are taken as no older, boottime
   */
  add(batch: PacketBatch, decoded: DecodedBatch, offsetUs: Us, earliestUs: Us, nowBootUs: Us): void {
    this.#moment[OFFSET_US] = offsetUs;
    this.#moment[EARLIEST_US] = earliestUs;
    this.#moment[NOW_US] = nowBootUs;
    this.#numbers[EPOCH] = this.#life.epoch;
    this.#numbers[NETNS] = Math.imul(batch.netns, NAMESPACE); // all bits differ between namespaces
    if (this.#rows.length < batch.capacity) this.#makeRoom(batch.capacity);
    const left =
      this.#fast === undefined ? this.#addTotals(batch, decoded) : this.#countFast(this.#fast, batch, decoded);
    for (let n = 0; n < left; n++) this.#count(n, batch, decoded, this.#rows[n]!);
  }

  #makeRoom(capacity: number): void {
    this.#rows = new Uint16Array(capacity);
    this.#candidates = new Int32Array(capacity).fill(NONE);
    this.#hashes = new Int32Array(capacity);
  }

  /** @returns how many rows are left */
  #countFast(fast: FastPath, batch: PacketBatch, decoded: DecodedBatch): number {
    const { count, sec, nsec, origLen, ifindex } = batch;
    const { status, key, tcpFlags, ipBytes, serial } = decoded;
    const { entries, index, handovers } = this.#life;
    const { recent } = handovers;
    if (recent !== undefined && this.#ways.length < batch.capacity) this.#ways = new Int32Array(batch.capacity);
    const left = fast.countFlows(
      count,
      status,
      tcpFlags,
      key,
      ipBytes,
      sec,
      nsec,
      origLen,
      ifindex,
      index.pairs,
      entries.words,
      this.#numbers,
      this.#moment,
      this.#totals,
      this.#rows,
      this.#candidates,
      this.#hashes,
      this.#ways,
      entries.serial,
      serial ?? NO_SERIALS,
    );
    if (recent !== undefined) {
      for (let i = 0; i < count; i++) {
        if (status[i] === DecodeStatus.Ok && tcpFlags[i] !== 0 && this.#ways[i] !== NONE)
          recent.note(this.#ways[i]!, batch, decoded, i);
      }
    }
    return left;
  }

  /** All packets are left. @returns how many */
  #addTotals(batch: PacketBatch, decoded: DecodedBatch): number {
    const { status, key, ipBytes } = decoded;
    const seed = this.#numbers[0]!;
    const totals = this.#totals;
    let left = 0;
    for (let i = 0; i < batch.count; i++) {
      if (status[i] !== DecodeStatus.Ok) continue;
      totals[PACKETS]! += 1;
      totals[BYTES]! += batch.origLen[i]!;
      totals[IP_BYTES]! += ipBytes[i]!;
      this.#hashes[left] = hashKey(key, i * KEY_WORDS, seed);
      this.#rows[left++] = i;
    }
    return left;
  }

  #timeOf({ sec, nsec }: PacketBatch, i: number): Us {
    const moment = this.#moment;
    const us = sec[i]! * 1e6 + ((nsec[i]! / 1000) >>> 0) - moment[OFFSET_US]!;
    return Math.min(Math.max(us, moment[EARLIEST_US]!), moment[NOW_US]!);
  }

  /**
   * Counts a packet with which something may begin or end.
   *
   * @param n its place among those that are left
   */
  #count(n: number, batch: PacketBatch, decoded: DecodedBatch, i: number): void {
    const life = this.#life;
    const { entries, clock, handovers, sightings } = life;
    const { words, doubles } = entries;
    const bootUs = this.#timeOf(batch, i);
    clock[0] = bootUs;
    if (bootUs > this.#totals[LATEST_US]!) this.#totals[LATEST_US] = bootUs;
    if (bootUs >= this.#moment[END_US]! || bootUs < this.#moment[BEGIN_US]!) this.#beginEpoch();
    const way = life.attend(this.#find(n, batch, decoded, i), batch, decoded, i);
    const { isFormer } = life;
    const direction = way & 1;
    const word = (way >> 1) << ENTRY_SHIFT;
    const double = (way >> 1) << DOUBLE_SHIFT;
    if (bootUs > doubles[double + D_LAST]!) doubles[double + D_LAST] = bootUs;
    if (decoded.serial !== undefined && !isFormer) {
      decoded.serial[i] = entries.serial[way >> 1]! * (1 - 2 * direction);
    }
    const place = isFormer ? OTHERS : batch.ifindex[i]! ^ this.#numbers[NETNS]!;
    const isFirst = words[word + E_IFINDEX + direction] === place && !isFormer;
    if (isFirst || (!isFormer && life.isFirstSighting(way, place, batch, decoded, i))) {
      const at = double + D_COUNTERS + direction * COUNTERS;
      doubles[at]! += 1;
      doubles[at + 1]! += batch.origLen[i]!;
      doubles[at + 2]! += decoded.ipBytes[i]!;
      if (handovers.recent !== undefined && decoded.tcpFlags[i] !== 0) handovers.recent.note(way, batch, decoded, i);
    } else {
      const chain = words[word + E_SIGHTINGS]!;
      words[word + E_SIGHTINGS] = sightings.count(chain, direction, place, batch.origLen[i]!, decoded.ipBytes[i]!);
    }
  }

  #find(n: number, batch: PacketBatch, decoded: DecodedBatch, i: number): number {
    const life = this.#life;
    const { words } = life.entries;
    const candidate = this.#candidates[n]!;
    if (candidate !== NONE) {
      // Compared again: an earlier packet of the batch may have ended the flow.
      const direction = compareKeys(words, candidate << ENTRY_SHIFT, decoded.key, i * KEY_WORDS);
      if (direction !== DIFFERENT) return (candidate << 1) | direction;
    }
    const hash = this.#hashes[n]!;
    const { pairs, mask } = life.index;
    const way = findKey(pairs, mask, words, ENTRY_SHIFT, hash, decoded.key, i * KEY_WORDS);
    return way === NONE ? life.create(hash, batch, decoded, i) : way;
  }

  /** Also called when a file goes far back in time. */
  #beginEpoch(): void {
    const life = this.#life;
    const nowUs = life.clock[0]!;
    const minuteLeftUs = MINUTE_US - ((nowUs + this.#moment[OFFSET_US]!) % MINUTE_US); // Telling.countAt()
    life.epoch = (life.epoch + 1) & 0x7fffffff;
    this.#moment[BEGIN_US] = nowUs - this.#epochUs;
    this.#moment[END_US] = nowUs + Math.min(this.#epochUs, minuteLeftUs);
  }
}
