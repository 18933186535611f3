/**
 * The same tuple in another namespace: the same flow, seen again on its way, or another one that happens to have the
 * same addresses.
 */
import { isLinkLocal, isLoopback } from '../core/address.ts';
import type { DecodedBatch } from '../core/decoded.ts';
import type { PacketBatch } from '../core/packet.ts';
import type { Us } from '../core/time.ts';
import { K_FIRST, K_META, K_SECOND, KEY_WORDS } from '../core/tuple.ts';
import type { Aliases } from './aliases.ts';
import type { Deadlines } from './deadlines.ts';
import { fingerprint } from './fingerprint.ts';
import {
  COUNTERS,
  D_COUNTERS,
  D_FIRST,
  DOUBLE_SHIFT,
  E_IFINDEX,
  E_STATE,
  ENTRY_SHIFT,
  type FlowEntries,
  NO_IFINDEX,
  NONE,
} from './flow-entries.ts';
import type { FlowIndex } from './flow-index.ts';
import { compareKeys, DIFFERENT } from './flow-key.ts';
import { S_PAUSED, S_SYN, S_TCP } from './flow-state.ts';
import { isSyn } from './tcp-end.ts';

const SAME_PACKET_US = 1e6; // between two sightings of one packet
const TCP_SLACK = 1 << 20; // octets that a sequence number may be off, for packets that one side has missed
const IP_BYTES = 2; // of the counters of a direction

export class SameFlow {
  readonly #entries: FlowEntries;
  readonly #index: FlowIndex;
  readonly #aliases: Aliases;
  readonly #deadlines: Deadlines;
  readonly #key = new Int32Array(KEY_WORDS);

  constructor(entries: FlowEntries, index: FlowIndex, aliases: Aliases, deadlines: Deadlines) {
    this.#entries = entries;
    this.#index = index;
    this.#aliases = aliases;
    this.#deadlines = deadlines;
  }

  /**
   * The flow of another namespace that packet `i` belongs to, too.
   *
   * @param key of the packet, which may be what it was before address translation
   * @returns entry << 1 | direction, or NONE
   */
  find(key: Int32Array, hash: number, bootUs: Us, batch: PacketBatch, decoded: DecodedBatch, i: number): number {
    const { pairs, mask } = this.#index;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const entry = pairs[2 * slot + 1]! - 1;
      if (entry === NONE) return NONE;
      if (pairs[2 * slot] !== hash) continue;
      const direction = this.#compare(entry, key);
      if (direction === DIFFERENT || isBoundToPlace(key)) continue;
      const flow = this.#aliases.flowOf(entry);
      if (!this.#deadlines.isOver(flow, bootUs) && this.#isSame(flow, direction, bootUs, batch, decoded, i)) {
        return (flow << 1) | direction;
      }
    }
  }

  /** Like compareKeys(), whatever the namespaces are. */
  #compare(entry: number, key: Int32Array): number {
    const { words } = this.#entries;
    const word = entry << ENTRY_SHIFT;
    this.#key.set(key);
    this.#key[K_META] = (key[K_META]! & 0xffff) | (words[word + K_META]! & ~0xffff);
    return compareKeys(words, word, this.#key, 0);
  }

  #isSame(flow: number, direction: number, bootUs: Us, batch: PacketBatch, decoded: DecodedBatch, i: number): boolean {
    const { words, doubles, mark } = this.#entries;
    const state = words[(flow << ENTRY_SHIFT) + E_STATE]!;
    if ((state & S_TCP) !== 0) return this.#isSameConnection(flow, direction, state, decoded, i);
    if (direction === 1 || (state & S_PAUSED) !== 0) return false; // the first packet of either flow is the same one
    const firstUs = doubles[(flow << DOUBLE_SHIFT) + D_FIRST]!;
    return Math.abs(bootUs - firstUs) <= SAME_PACKET_US && mark[flow] === fingerprint(batch, decoded, i);
  }

  /** A SYN has the sequence number of the other SYN; a later packet one that the flow may have reached by now. */
  #isSameConnection(flow: number, direction: number, state: number, decoded: DecodedBatch, i: number): boolean {
    const { words, doubles, firstSeq, synSeq } = this.#entries;
    const seq = decoded.tcpSeq[i]!;
    if (isSyn(decoded.tcpFlags[i]!)) {
      return (state & (S_SYN << direction)) !== 0 && synSeq[flow * 2 + direction] === seq;
    }
    if (words[(flow << ENTRY_SHIFT) + E_IFINDEX + direction] === NO_IFINDEX) return false;
    const bytes = doubles[(flow << DOUBLE_SHIFT) + D_COUNTERS + direction * COUNTERS + IP_BYTES]!;
    const ahead = (seq - firstSeq[flow * 2 + direction]!) | 0; // sequence numbers wrap, RFC 9293 section 3.4
    return bytes >= 2 ** 31 || (ahead >= -TCP_SLACK && ahead <= bytes + TCP_SLACK);
  }
}

/** Loopback addresses mean another host in each namespace, link-local ones another network. */
export function isBoundToPlace(key: Int32Array, at = 0): boolean {
  const [first, second] = [at + K_FIRST, at + K_SECOND];
  return isLoopback(key, first) || isLoopback(key, second) || isLinkLocal(key, first) || isLinkLocal(key, second);
}
