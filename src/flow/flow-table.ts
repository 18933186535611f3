/** Packets to bidirectional flows, RFC 5103: the part that runs for every packet. */
import { type DecodedBatch, DecodeStatus } from '../core/decoded.ts';
import type { FlowColumns, FreshColumns } from '../core/flow.ts';
import type { PacketBatch } from '../core/packet.ts';
import type { Us } from '../core/time.ts';
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
import { compareKeys, DIFFERENT, hashKey } from './flow-key.ts';
import { FlowLife, type FlowLimits } from './flow-life.ts';
import { TCP_EDGE } from './tcp-end.ts';

/** Packets that go through add() together: short loops over columns overlap their cache misses, one long loop does not. */
const STRETCH = 256;

/** Time in which a flow looks at its time-outs, and moves in its activity list, only once. */
const EPOCH_US = 1_000_000;

export interface FlowTableOptions extends Partial<FlowLimits> {
  readonly fresh?: boolean; // collect new flows for takeFresh()
  readonly seed?: number; // of the hash; random, so that senders cannot choose collisions
}

const DEFAULTS: FlowLimits = {
  capacity: 262_144,
  idleTcpUs: 300e6,
  idleOtherUs: 60e6,
  activeUs: 3600e6,
  lingerUs: 60e6,
  longLivedUs: 5e6,
};

/** Totals of everything added. Duplicates are as the rows sent so far say: exact when nothing is left to send. */
export interface FlowCounts {
  readonly packets: number; // with DecodeStatus Ok
  readonly bytes: number; // frame.len
  readonly ipBytes: number;
  readonly duplicatePackets: number;
  readonly duplicateBytes: number;
  readonly flows: number; // serials given
  readonly evicted: number; // flows that ended by lack-of-resources
}

/** A bounded table of flows. Per packet it costs one look-up and nothing is allocated. */
export class FlowTable {
  readonly #life: FlowLife;
  readonly #epochUs: Us;
  readonly #seed: number;
  readonly #times = new Float64Array(STRETCH); // boottime of each packet of the stretch,
  readonly #hashes = new Int32Array(STRETCH); // hash of its tuple,
  readonly #ways = new Int32Array(STRETCH); // and entry << 1 | direction of its flow
  #packets = 0;
  #bytes = 0;
  #ipBytes = 0;
  #latestBootUs = Number.NEGATIVE_INFINITY; // largest packet time
  #nowBootUs = Number.NEGATIVE_INFINITY; // of the batch before
  #epoch = 0;
  #epochEndUs = Number.NEGATIVE_INFINITY; // an epoch is a time, not a number of packets

  constructor(options: FlowTableOptions = {}) {
    const limits = { ...DEFAULTS, ...options };
    if (!(limits.capacity > 0)) throw new RangeError(`capacity must be positive, got ${limits.capacity}`);
    this.#life = new FlowLife(limits, options.fresh === true ? 'collect' : 'ignore');
    this.#epochUs = Math.min(EPOCH_US, limits.idleTcpUs, limits.idleOtherUs, limits.activeUs, limits.lingerUs);
    this.#seed = options.seed ?? (Math.random() * 2 ** 32) | 0;
  }

  get counts(): FlowCounts {
    const { duplicates } = this.#life.rows;
    return {
      packets: this.#packets,
      bytes: this.#bytes,
      ipBytes: this.#ipBytes,
      duplicatePackets: duplicates.packets,
      duplicateBytes: duplicates.bytes,
      flows: this.#life.serial,
      evicted: this.#life.evicted,
    };
  }

  /**
   * Counts the Ok packets of a batch.
   *
   * @param offsetUs realtime minus boottime; 0 for a file, whose packet time is the only clock
   * @param nowBootUs boottime now: packets cannot be later, nor earlier than the batch before, so a step of the clock
   *   between two samples of `offsetUs` neither ends nor stretches a flow. Infinity for a file
   */
  add(batch: PacketBatch, decoded: DecodedBatch, offsetUs: Us, nowBootUs: Us): void {
    for (let from = 0; from < batch.count; ) {
      const to = this.#takeStretch(batch, from, offsetUs, nowBootUs);
      this.#lookUp(decoded, from, to);
      this.#count(batch, decoded, from, to);
      from = to;
    }
    this.#nowBootUs = nowBootUs;
  }

  /** Flows that began since the last call, in order; undefined when none did. The caller may transfer the buffers. */
  takeFresh(): FreshColumns | undefined {
    const { fresh } = this.#life;
    this.#life.fresh = undefined;
    return fresh;
  }

  /**
   * Ends idle and long flows and returns the rows that are due: flows that are new, have ended, changed after their
   * end, or live, changed and were not sent for `longLivedUs`. Costs nothing for flows that did not change.
   *
   * @param nowBootUs Infinity for a file: the largest packet time is now
   */
  drain(nowBootUs: Us): FlowColumns {
    const now = this.#now(nowBootUs);
    this.#life.expire(now);
    return this.#life.drain(now);
  }

  /** Ends everything that still lives as `forced` and returns all rows that are owed. The table is empty afterwards. */
  flush(nowBootUs: Us): FlowColumns {
    this.#life.expire(this.#now(nowBootUs));
    this.#life.endAll();
    return this.#life.rows.take();
  }

  #now(nowBootUs: Us): Us {
    return nowBootUs === Infinity ? this.#latestBootUs : nowBootUs;
  }

  /** Fills `times` for a stretch of packets of one epoch. A file may also go far back. @returns its end */
  #takeStretch(batch: PacketBatch, from: number, offsetUs: Us, nowBootUs: Us): number {
    const { sec, nsec } = batch;
    const times = this.#times;
    const earliestUs = nowBootUs === Infinity ? -Infinity : this.#nowBootUs;
    const end = Math.min(from + STRETCH, batch.count);
    let latestUs = this.#latestBootUs;
    let epochEndUs = this.#epochEndUs;
    const epochUs = this.#epochUs;
    let i = from;
    for (; i < end; i++) {
      const packetUs = sec[i]! * 1e6 + Math.floor(nsec[i]! / 1000) - offsetUs;
      const bootUs = Math.min(Math.max(packetUs, earliestUs), nowBootUs);
      if (bootUs >= epochEndUs || bootUs < epochEndUs - 2 * epochUs) {
        if (i > from) break;
        this.#epoch = (this.#epoch + 1) & 0x7fffffff;
        this.#epochEndUs = epochEndUs = bootUs + epochUs;
      }
      times[i - from] = bootUs;
      latestUs = Math.max(latestUs, bootUs);
    }
    this.#latestBootUs = latestUs;
    return i;
  }

  /** Fills `ways` with entry << 1 | direction of each packet, NONE where its flow is not in the table. */
  #lookUp(decoded: DecodedBatch, from: number, to: number): void {
    const { key } = decoded;
    const hashes = this.#hashes;
    const ways = this.#ways;
    const { pairs, mask } = this.#life.index;
    const { words } = this.#life.entries;
    const seed = this.#seed;
    for (let i = from; i < to; i++) hashes[i - from] = hashKey(key, i * KEY_WORDS, seed);
    for (let i = from; i < to; i++) ways[i - from] = findKey(pairs, mask, words, hashes[i - from]!, key, i * KEY_WORDS);
  }

  #count(batch: PacketBatch, decoded: DecodedBatch, from: number, to: number): void {
    const { origLen, ifindex } = batch;
    const { status, tcpFlags, ipBytes } = decoded;
    const life = this.#life;
    const { entries, sightings } = life;
    const times = this.#times;
    const hashes = this.#hashes;
    const ways = this.#ways;
    const epoch = this.#epoch;
    const retired = life.retired;
    let packets = 0;
    let bytes = 0;
    let sumIpBytes = 0;
    for (let i = from; i < to; i++) {
      if (status[i] !== DecodeStatus.Ok) continue;
      const bootUs = times[i - from]!;
      let way = ways[i - from]!;
      if (way === NONE || life.retired !== retired) way = this.#lookAgain(batch, decoded, i, hashes[i - from]!, bootUs);
      if ((tcpFlags[i]! & TCP_EDGE) !== 0 || entries.words[((way >> 1) << ENTRY_SHIFT) + E_EPOCH] !== epoch) {
        way = life.attend(way, batch, decoded, i, bootUs, epoch);
      }
      const { words, doubles } = entries;
      const word = (way >> 1) << ENTRY_SHIFT;
      const double = (way >> 1) << DOUBLE_SHIFT;
      if (bootUs > doubles[double + D_LAST]!) doubles[double + D_LAST] = bootUs;
      const direction = way & 1;
      const length = origLen[i]!;
      const ipLength = ipBytes[i]!;
      if (words[word + E_IFINDEX + direction] === (ifindex[i]! | 0) || life.isFirstSighting(way, batch, i)) {
        const at = double + D_COUNTERS + direction * COUNTERS;
        doubles[at]! += 1;
        doubles[at + 1]! += length;
        doubles[at + 2]! += ipLength;
      } else {
        const chain = words[word + E_SIGHTINGS]!;
        words[word + E_SIGHTINGS] = sightings.count(chain, direction, ifindex[i]!, length, ipLength);
      }
      packets++;
      bytes += length;
      sumIpBytes += ipLength;
    }
    this.#packets += packets;
    this.#bytes += bytes;
    this.#ipBytes += sumIpBytes;
  }

  /** The stretch has begun a flow or given an entry away since the look-up. */
  #lookAgain(batch: PacketBatch, decoded: DecodedBatch, i: number, hash: number, bootUs: Us): number {
    const life = this.#life;
    const { pairs, mask } = life.index;
    const way = findKey(pairs, mask, life.entries.words, hash, decoded.key, i * KEY_WORDS);
    return way === NONE ? life.create(hash, batch, decoded, i, bootUs) : way;
  }
}

/** @returns entry << 1 | direction of the key at `key[row]`, or NONE */
function findKey(
  pairs: Int32Array,
  mask: number,
  words: Int32Array,
  hash: number,
  key: Int32Array,
  row: number,
): number {
  for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
    const id = pairs[2 * slot + 1]! - 1;
    if (id === NONE) return NONE;
    if (pairs[2 * slot] !== hash) continue;
    const direction = compareKeys(words, id << ENTRY_SHIFT, key, row);
    if (direction !== DIFFERENT) return (id << 1) | direction;
  }
}
