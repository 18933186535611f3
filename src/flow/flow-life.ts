/** Begin, continuation and end of flows, with the end reasons of IPFIX (RFC 5102 section 5.11.3). */
import { createColumns, pushRow } from '../core/columns.ts';
import type { DecodedBatch } from '../core/decoded.ts';
import { type FlowColumns, FlowEnd, FRESH_COLUMNS, type FreshColumns } from '../core/flow.ts';
import { type PacketBatch, PacketType } from '../core/packet.ts';
import type { Us } from '../core/time.ts';
import { K_META, KEY_WORDS, Protocol, reverseKey } from '../core/tuple.ts';
import { ActivityList } from './activity-list.ts';
import { ChangedList } from './changed-list.ts';
import {
  COUNTERS,
  D_COUNTERS,
  D_FIRST,
  D_LAST,
  DOUBLE_SHIFT,
  E_EPOCH,
  E_IFINDEX,
  E_SIGHTINGS,
  E_STATE,
  ENTRY_SHIFT,
  FlowEntries,
  NO_IFINDEX,
  NONE,
} from './flow-entries.ts';
import { FlowIndex } from './flow-index.ts';
import { FlowRows } from './flow-rows.ts';
import { S_ENDED, S_OPEN, S_PAUSED, S_SENT, S_SYN, S_TCP, withPktType } from './flow-state.ts';
import { Sightings } from './sightings.ts';
import { afterSegment, isSyn, isSynAck, opensAnother } from './tcp-end.ts';

const UNTOUCHED = -1; // epoch of a flow that its next packet has to touch

export interface FlowLimits {
  readonly capacity: number; // flows
  readonly idleTcpUs: Us;
  readonly idleOtherUs: Us;
  readonly activeUs: Us; // Infinity: a flow may live as long as it likes
  readonly lingerUs: Us; // how long an ended TCP flow still takes late packets
  readonly longLivedUs: Us; // how often a row of a living flow is sent
  readonly mostRows: number; // that wait for a drain
}

/**
 * The flows of a table: entries, the index over them, and the lists in which they wait. Direction is a number: 0
 * original, 1 reply; a "way" is entry << 1 | direction.
 */
export class FlowLife {
  readonly entries: FlowEntries;
  readonly index = new FlowIndex();
  readonly sightings = new Sightings();
  readonly rows: FlowRows;
  readonly clock = new Float64Array(1); // boottime of the packet in work; as an argument it would be allocated each time
  epoch = 0;
  serial = 0; // last one given
  evicted = 0;
  retired = 0; // changes when an entry is given away: ways found before may be wrong
  fresh: FreshColumns | undefined; // collected by begin() when `collectFresh`
  readonly #limits: FlowLimits;
  readonly #collectFresh: boolean;
  readonly #changed: ChangedList;
  readonly #tcp: ActivityList;
  readonly #other: ActivityList;
  readonly #lingering: ActivityList; // in the order in which they ended

  constructor(limits: FlowLimits, fresh: 'collect' | 'ignore') {
    this.#limits = limits;
    this.#collectFresh = fresh === 'collect';
    this.entries = new FlowEntries(limits.capacity);
    this.rows = new FlowRows(this.entries, this.sightings, limits.mostRows);
    this.#changed = new ChangedList(this.entries);
    this.#tcp = new ActivityList(this.entries);
    this.#other = new ActivityList(this.entries);
    this.#lingering = new ActivityList(this.entries);
  }

  /** Begins the flow of packet `i`, whose tuple is not in the table. @returns the packet's way */
  create(hash: number, batch: PacketBatch, decoded: DecodedBatch, i: number): number {
    const id = this.#takeEntry();
    const { words, changedAt, hash: hashes } = this.entries;
    const word = id << ENTRY_SHIFT;
    const row = i * KEY_WORDS;
    const isTcp = (decoded.key[row + K_META]! & 0xff) === Protocol.Tcp;
    const direction = isSynAck(decoded.tcpFlags[i]!) ? 1 : 0; // who answers is not who began
    if (direction === 1) reverseKey(decoded.key, row, words, word);
    else for (let w = 0; w < KEY_WORDS; w++) words[word + w] = decoded.key[row + w]!;
    words[word + E_STATE] = isTcp ? S_TCP : S_OPEN;
    words[word + E_SIGHTINGS] = 0;
    hashes[id] = hash;
    changedAt[id] = NONE;
    this.index.insert(hash, id);
    this.#activity(words[word + E_STATE]!).append(id);
    this.#begin(id, batch, i);
    return (id << 1) | direction; // untouched, so attend() sees the packet next
  }

  /**
   * Looks at a packet that may begin or end something: a TCP edge, or the first packet of a flow in an epoch or since
   * its row was sent.
   *
   * @returns its way, in the same flow or in one that takes its place
   */
  attend(way: number, batch: PacketBatch, decoded: DecodedBatch, i: number): number {
    const id = way >> 1;
    const direction = way & 1;
    const { words, hash, synSeq } = this.entries;
    const word = id << ENTRY_SHIFT;
    const state = words[word + E_STATE]!;
    const bootUs = this.clock[0]!;
    const flags = decoded.tcpFlags[i]!;
    const another = isSyn(flags) && opensAnother(state, direction, synSeq[id * 2 + direction]!, decoded.tcpSeq[i]!);
    if (another || this.#isOver(id, bootUs)) {
      const key = hash[id]!;
      this.#retire(id, another ? FlowEnd.Forced : FlowEnd.Idle);
      return this.attend(this.create(key, batch, decoded, i), batch, decoded, i);
    }
    if ((state & (S_ENDED | S_PAUSED)) === 0 && this.#isLong(id, bootUs)) this.#pause(id);
    if ((words[word + E_STATE]! & S_PAUSED) !== 0) this.#begin(id, batch, i);
    this.#touch(id);
    if ((state & S_TCP) !== 0) this.#segment(id, direction, decoded, i);
    return way;
  }

  /** Whether packet `i` is the first of its direction, and takes the place of the first sighting. */
  isFirstSighting(way: number, batch: PacketBatch, i: number): boolean {
    const { words } = this.entries;
    const word = (way >> 1) << ENTRY_SHIFT;
    const direction = way & 1;
    if (words[word + E_IFINDEX + direction] !== NO_IFINDEX) return false;
    words[word + E_IFINDEX + direction] = batch.ifindex[i]!;
    if (direction === 0) words[word + E_STATE] = withPktType(words[word + E_STATE]!, batch.pktType[i]!);
    return true;
  }

  /** Ends flows whose time is over. Lists are in order, so it looks at one flow more than it ends. */
  expire(nowUs: Us): void {
    for (const list of [this.#tcp, this.#other, this.#lingering]) {
      while (list.head !== NONE && this.#isOver(list.head, nowUs)) this.#retire(list.head, FlowEnd.Idle);
    }
  }

  /** Writes the rows that are due and takes them. */
  drain(nowUs: Us): FlowColumns {
    const { sentBootUs } = this.entries;
    const changed = this.#changed;
    let due = 0;
    for (let c = 0; c < changed.count; c++) if (this.#isDue(changed.ids[c]!, nowUs)) due++;
    this.rows.reserve(due);
    for (let c = changed.count - 1; c >= 0; c--) {
      const id = changed.ids[c]!;
      if (!this.#isDue(id, nowUs)) continue;
      if (this.#isEnded(id)) this.#tell(id, FlowEnd.EndOfFlow);
      else if (this.#isLong(id, nowUs)) this.#pause(id);
      else this.#tell(id, FlowEnd.None);
      sentBootUs[id] = nowUs;
    }
    return this.rows.take();
  }

  /** Ends everything, what still lives as `forced`. */
  endAll(): void {
    for (const list of [this.#tcp, this.#other, this.#lingering]) {
      while (list.head !== NONE) this.#retire(list.head, FlowEnd.Forced);
    }
  }

  #touch(id: number): void {
    const { words, changedAt } = this.entries;
    const word = id << ENTRY_SHIFT;
    if (changedAt[id] === NONE) this.#changed.add(id);
    const state = words[word + E_STATE]!;
    if ((state & S_ENDED) === 0 && words[word + E_EPOCH] !== this.epoch) this.#activity(state).moveToEnd(id);
    words[word + E_EPOCH] = this.epoch;
  }

  #takeEntry(): number {
    const id = this.entries.take();
    if (id !== NONE) return id;
    this.#evict();
    return this.entries.take();
  }

  /** Makes room: ended flows are needed least, then the one whose last packet is the longest ago. */
  #evict(): void {
    const { doubles } = this.entries;
    const [tcp, other, ended] = [this.#tcp.head, this.#other.head, this.#lingering.head];
    const last = (id: number): Us => (id === NONE ? Infinity : doubles[(id << DOUBLE_SHIFT) + D_LAST]!);
    if (ended !== NONE) this.#retire(ended, FlowEnd.EndOfFlow);
    else this.#retire(last(tcp) <= last(other) ? tcp : other, FlowEnd.LackOfResources);
  }

  /** Gives the flow in entry `id` a new serial and nothing counted. */
  #begin(id: number, batch: PacketBatch, i: number): void {
    const { entries } = this;
    const bootUs = this.clock[0]!;
    const { words, doubles } = entries;
    const word = id << ENTRY_SHIFT;
    const double = id << DOUBLE_SHIFT;
    words[word + E_STATE] = withPktType(words[word + E_STATE]! & ~(S_PAUSED | S_SENT), PacketType.Unknown);
    words[word + E_IFINDEX] = NO_IFINDEX;
    words[word + E_IFINDEX + 1] = NO_IFINDEX;
    words[word + E_EPOCH] = UNTOUCHED;
    this.sightings.release(words[word + E_SIGHTINGS]!);
    words[word + E_SIGHTINGS] = 0;
    doubles[double + D_FIRST] = bootUs;
    doubles[double + D_LAST] = bootUs;
    doubles.fill(0, double + D_COUNTERS, double + D_COUNTERS + 2 * COUNTERS);
    entries.ifindex[id] = batch.ifindex[i]!;
    entries.firstUs[id] = batch.sec[i]! * 1e6 + Math.floor(batch.nsec[i]! / 1000);
    entries.duplicatePackets[id] = 0;
    entries.duplicateBytes[id] = 0;
    entries.serial[id] = ++this.serial;
    if (!this.#collectFresh) return;
    this.fresh ??= createColumns(FRESH_COLUMNS);
    const row = pushRow(this.fresh);
    this.fresh.serial[row] = this.serial;
    this.fresh.key.set(words.subarray(word, word + KEY_WORDS), row * KEY_WORDS);
    this.fresh.firstBootUs[row] = bootUs;
  }

  #segment(id: number, direction: number, decoded: DecodedBatch, i: number): void {
    const { words, synSeq, endedBootUs } = this.entries;
    const word = id << ENTRY_SHIFT;
    const before = words[word + E_STATE]!;
    const after = afterSegment(before, direction, decoded.tcpFlags[i]!);
    words[word + E_STATE] = after;
    if ((after & S_OPEN) === 0) words[word + E_EPOCH] = UNTOUCHED; // the packet that opens it has no edge
    if ((after & ~before & (S_SYN << direction)) !== 0) synSeq[id * 2 + direction] = decoded.tcpSeq[i]!;
    if ((after & ~before & S_ENDED) === 0) return;
    endedBootUs[id] = this.clock[0]!;
    this.#tcp.remove(id);
    this.#lingering.append(id);
  }

  #isEnded(id: number): boolean {
    return (this.entries.words[(id << ENTRY_SHIFT) + E_STATE]! & S_ENDED) !== 0;
  }

  #isLong(id: number, nowUs: Us): boolean {
    return nowUs - this.entries.doubles[(id << DOUBLE_SHIFT) + D_FIRST]! >= this.#limits.activeUs;
  }

  /** Whether a flow that changed is told now. */
  #isDue(id: number, nowUs: Us): boolean {
    const state = this.entries.words[(id << ENTRY_SHIFT) + E_STATE]!;
    if ((state & S_ENDED) !== 0 || (state & S_SENT) === 0 || this.#isLong(id, nowUs)) return true;
    return nowUs - this.entries.sentBootUs[id]! >= this.#limits.longLivedUs;
  }

  #isOver(id: number, nowUs: Us): boolean {
    const { idleTcpUs, idleOtherUs, lingerUs } = this.#limits;
    const state = this.entries.words[(id << ENTRY_SHIFT) + E_STATE]!;
    if (this.#isEnded(id)) return nowUs - this.entries.endedBootUs[id]! > lingerUs;
    const quietUs = nowUs - this.entries.doubles[(id << DOUBLE_SHIFT) + D_LAST]!;
    return quietUs > ((state & S_TCP) !== 0 ? idleTcpUs : idleOtherUs);
  }

  /** The active time-out: the row is closed, the entry waits for the packet that continues it. */
  #pause(id: number): void {
    this.#tell(id, FlowEnd.Active);
    this.entries.words[(id << ENTRY_SHIFT) + E_STATE]! |= S_PAUSED;
  }

  /** Writes a row, after which the flow is unchanged. */
  #tell(id: number, endReason: number): void {
    this.rows.write(id, endReason);
    if (this.entries.changedAt[id] !== NONE) this.#changed.remove(id);
    this.entries.words[(id << ENTRY_SHIFT) + E_EPOCH] = UNTOUCHED;
  }

  /** The flow leaves the table; its end is told unless a row has told it already. */
  #retire(id: number, endReason: number): void {
    const { words, hash, changedAt } = this.entries;
    const word = id << ENTRY_SHIFT;
    const state = words[word + E_STATE]!;
    if ((state & S_ENDED) !== 0) {
      if (changedAt[id] !== NONE) this.#tell(id, FlowEnd.EndOfFlow);
      this.#lingering.remove(id);
    } else {
      if ((state & S_PAUSED) === 0) this.#tell(id, endReason);
      if ((state & S_PAUSED) === 0 && endReason === FlowEnd.LackOfResources) this.evicted++;
      this.#activity(state).remove(id);
    }
    this.sightings.release(words[word + E_SIGHTINGS]!);
    this.index.remove(hash[id]!, id);
    this.entries.release(id);
    this.retired++;
  }

  #activity(state: number): ActivityList {
    return (state & S_TCP) !== 0 ? this.#tcp : this.#other;
  }
}
