/** The part of the flow table that runs for every packet. */
import { type DecodedBatch, DecodeStatus } from '../core/decoded.ts';
import type { PacketBatch } from '../core/packet.ts';
import { MINUTE_US, type Us } from '../core/time.ts';
import { KEY_WORDS } from '../core/tuple.ts';
import {
  COUNTERS,
  D_COUNTERS,
  D_LAST,
  DOUBLE_SHIFT,
  E_EPOCH,
  E_IFINDEX,
  E_SIGHTINGS,
  ENTRY_SHIFT,
  NONE,
} from './flow-entries.ts';
import { findKey } from './flow-index.ts';
import { compareKeys, DIFFERENT } from './flow-key.ts';
import type { FlowLife } from './flow-life.ts';
import { LookUp, STRETCH } from './look-up.ts';
import { OTHERS } from './sightings.ts';
import { TCP_EDGE } from './tcp-end.ts';

/** Interface numbers of different namespaces meet: both together, mixed into 32 bits, are the place of a sighting. */
const NAMESPACE = 0x9e3779b1;
const BEGIN = 0;
const END = 1;

export class PacketCount {
  packets = 0; // Ok ones
  bytes = 0; // frame.len
  ipBytes = 0;
  latestBootUs = Number.NEGATIVE_INFINITY; // largest packet time
  readonly #life: FlowLife;
  readonly #lookUp: LookUp;
  readonly #epochUs: Us;
  readonly #epoch = new Float64Array(2).fill(-Infinity); // BEGIN and END of the present one, boottime
  #offsetUs: Us = 0; // realtime minus boottime, of the latest batch

  /** @param epochUs time in which a flow looks at its time-outs, and moves in its activity list, only once */
  constructor(life: FlowLife, seed: number, epochUs: Us) {
    this.#life = life;
    this.#lookUp = new LookUp(life.index, life.entries, seed);
    this.#epochUs = epochUs;
  }

  /**
   * Counts the Ok packets of a batch, as FlowTable.add() has it.
   *
   * @param earliestUs packets are taken as no older, boottime
   */
  add(batch: PacketBatch, decoded: DecodedBatch, offsetUs: Us, earliestUs: Us, nowBootUs: Us): void {
    this.#offsetUs = offsetUs;
    for (let from = 0; from < batch.count; from += STRETCH) {
      const to = Math.min(from + STRETCH, batch.count);
      this.#lookUp.find(decoded.key, from, to);
      this.#count(batch, decoded, from, to, earliestUs, nowBootUs);
    }
  }

  #count(batch: PacketBatch, decoded: DecodedBatch, from: number, to: number, earliestUs: Us, nowBootUs: Us): void {
    const offsetUs = this.#offsetUs;
    const { sec, nsec, origLen, ifindex } = batch;
    const { status, key, tcpFlags, ipBytes, serial } = decoded;
    const life = this.#life;
    const { entries } = life;
    const { words, doubles } = entries;
    const { recent } = life.handovers;
    const { candidates } = this.#lookUp;
    const namespace = Math.imul(batch.netns, NAMESPACE); // all bits differ between namespaces
    // Only #attend() and what it calls can change these: they are read again after it.
    let { epoch } = life;
    let beginUs = this.#epoch[BEGIN]!;
    let endUs = this.#epoch[END]!;
    let latestUs = this.latestBootUs;
    let packets = 0;
    let bytes = 0;
    let sumIpBytes = 0;
    for (let i = from; i < to; i++) {
      if (status[i] !== DecodeStatus.Ok) continue;
      const length = origLen[i]!;
      const ipLength = ipBytes[i]!;
      packets++;
      bytes += length;
      sumIpBytes += ipLength;
      let bootUs = sec[i]! * 1e6 + ((nsec[i]! / 1000) >>> 0) - offsetUs;
      if (bootUs < earliestUs) bootUs = earliestUs;
      if (bootUs > nowBootUs) bootUs = nowBootUs;
      if (bootUs > latestUs) latestUs = bootUs;
      const entry = candidates[i - from]!;
      const word = entry << ENTRY_SHIFT;
      const direction = compareKeys(words, word, key, i * KEY_WORDS);
      if (
        direction !== DIFFERENT &&
        (tcpFlags[i]! & TCP_EDGE) === 0 &&
        words[word + E_EPOCH] === epoch &&
        words[word + E_IFINDEX + direction] === (ifindex[i]! ^ namespace) &&
        bootUs < endUs &&
        bootUs >= beginUs
      ) {
        const double = entry << DOUBLE_SHIFT;
        const at = double + D_COUNTERS + direction * COUNTERS;
        if (bootUs > doubles[double + D_LAST]!) doubles[double + D_LAST] = bootUs;
        doubles[at]! += 1;
        doubles[at + 1]! += length;
        doubles[at + 2]! += ipLength;
        if (serial !== undefined) serial[i] = entries.serial[entry]! * (1 - 2 * direction);
        if (recent !== undefined && tcpFlags[i] !== 0) recent.note((entry << 1) | direction, batch, decoded, i);
      } else {
        life.clock[0] = bootUs;
        this.#countWithCare(direction === DIFFERENT ? NONE : (entry << 1) | direction, i - from, batch, decoded, i);
        epoch = life.epoch;
        beginUs = this.#epoch[BEGIN]!;
        endUs = this.#epoch[END]!;
      }
    }
    this.latestBootUs = latestUs;
    this.packets += packets;
    this.bytes += bytes;
    this.ipBytes += sumIpBytes;
  }

  /**
   * Counts a packet with which something may begin or end, or whose flow is not the candidate.
   *
   * @param found its way, NONE: look for it
   * @param n place in the stretch
   */
  #countWithCare(found: number, n: number, batch: PacketBatch, decoded: DecodedBatch, i: number): void {
    const life = this.#life;
    const { entries, clock, handovers, sightings } = life;
    const { words, doubles } = entries;
    if (clock[0]! >= this.#epoch[END]! || clock[0]! < this.#epoch[BEGIN]!) this.#beginEpoch();
    const way = life.attend(found === NONE ? this.#find(n, batch, decoded, i) : found, batch, decoded, i);
    const { isFormer } = life;
    const direction = way & 1;
    const word = (way >> 1) << ENTRY_SHIFT;
    const double = (way >> 1) << DOUBLE_SHIFT;
    if (clock[0]! > doubles[double + D_LAST]!) doubles[double + D_LAST] = clock[0]!;
    if (decoded.serial !== undefined && !isFormer) {
      decoded.serial[i] = entries.serial[way >> 1]! * (1 - 2 * direction);
    }
    const place = isFormer ? OTHERS : batch.ifindex[i]! ^ Math.imul(batch.netns, NAMESPACE);
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
    const hash = this.#lookUp.hashes[n]!;
    const { pairs, mask } = life.index;
    const way = findKey(pairs, mask, life.entries.words, ENTRY_SHIFT, hash, decoded.key, i * KEY_WORDS);
    return way === NONE ? life.create(hash, batch, decoded, i) : way;
  }

  /** Also called when a file goes far back in time. */
  #beginEpoch(): void {
    const life = this.#life;
    const minuteLeftUs = MINUTE_US - ((life.clock[0]! + this.#offsetUs) % MINUTE_US); // Telling.countAt()
    life.epoch = (life.epoch + 1) & 0x7fffffff;
    this.#epoch[BEGIN] = life.clock[0]! - this.#epochUs;
    this.#epoch[END] = life.clock[0]! + Math.min(this.#epochUs, minuteLeftUs);
  }
}
