/** Begin, continuation and end of flows, with the end reasons of IPFIX (RFC 5102 section 5.11.3). */
import type { DecodedBatch } from '../core/decoded.ts';
import { type FlowColumns, FlowEnd } from '../core/flow.ts';
import { type PacketBatch, PacketType } from '../core/packet.ts';
import type { Us } from '../core/time.ts';
import { Aliases } from './aliases.ts';
import { Deadlines, type FlowLimits } from './deadlines.ts';
import { NO_CHANGE } from './end-changes.ts';
import { fingerprint } from './fingerprint.ts';
import { FlowEnds } from './flow-ends.ts';
import { FlowEntrance } from './flow-entrance.ts';
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
  UNTOUCHED,
} from './flow-entries.ts';
import { FlowIndex } from './flow-index.ts';
import { FlowRows } from './flow-rows.ts';
import { FlowSockets } from './flow-sockets.ts';
import { S_ENDED, S_FOLLOWS, S_OPEN, S_PAUSED, S_SENT, S_SYN, S_TCP, withPktType } from './flow-state.ts';
import { FreshFlows } from './fresh-flows.ts';
import { Handovers } from './handover.ts';
import { Moment } from './moment.ts';
import { Sightings } from './sightings.ts';
import { afterSegment, isSyn, opensAnother, TCP_EDGE } from './tcp-end.ts';
import { Telling } from './telling.ts';

/** A change of sockets takes effect without a packet after this time: then nothing older is left in the kernel's ring. */
const SETTLED_US = 500_000;

export interface FlowOptions extends FlowLimits {
  readonly fresh: boolean; // collect new flows
  readonly seed: number; // of the hash
  readonly severalNetns: boolean; // packets of several namespaces come
  readonly netnsInode: (index: number) => number;
  readonly netnsIndex: (inode: number) => number;
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
  readonly handovers: Handovers;
  readonly sockets: FlowSockets;
  readonly fresh: FreshFlows;
  readonly clock = new Float64Array(1); // boottime of the packet in work; as an argument it would be allocated each time
  epoch = 0;
  serial = 0; // last one given
  evicted = 0;
  isFormer = false; // the packet attended last was counted already, in the flow before on its tuple
  readonly #options: FlowOptions;
  readonly entrance: FlowEntrance;
  readonly #telling: Telling;
  readonly #deadlines: Deadlines;
  readonly #aliases: Aliases;
  readonly #moment = new Moment();

  constructor(options: FlowOptions) {
    const { capacity, mostRows, seed, netnsInode, netnsIndex } = options;
    this.#options = options;
    this.entries = new FlowEntries(capacity);
    const ends = new FlowEnds();
    this.rows = new FlowRows(this.entries, this.sightings, ends, mostRows, netnsInode);
    this.fresh = new FreshFlows(this.entries, netnsInode);
    this.#deadlines = new Deadlines(this.entries, options);
    this.#aliases = new Aliases(this.entries);
    this.handovers = new Handovers(this.entries);
    this.#telling = new Telling(this.entries, this.rows, this.#deadlines, options);
    this.entrance = new FlowEntrance(this.entries, this.index, this.#aliases, this.#deadlines, seed, {
      takeEntry: () => this.#takeEntry(),
      begin: (id, batch, decoded, i) => this.#begin(id, batch, decoded, i),
      entered: (id, flow) => this.sockets.claim(id, flow),
      translated: (id, key) => {
        this.rows.natKeys.set(id, key);
        this.#telling.hurry(id);
      },
    });
    this.sockets = new FlowSockets(this.entries, ends, seed, {
      find: (hash, key) => this.entrance.find(hash, key),
      flowOf: (id) => this.#aliases.flowOf(id),
      retell: (id) => this.#telling.hurry(id),
      netnsIndex,
    });
  }

  /** Enters the tuple of packet `i`, which is not in the table. @returns the packet's way */
  create(hash: number, batch: PacketBatch, decoded: DecodedBatch, i: number): number {
    return this.entrance.enter(hash, this.clock[0]!, batch, decoded, i);
  }

  /**
   * Looks at a packet that may begin or end something: a TCP edge, or the first packet of a flow in an epoch or since
   * its row was sent.
   *
   * @returns its way, in the same flow or in one that takes its place
   */
  attend(way: number, batch: PacketBatch, decoded: DecodedBatch, i: number): number {
    const entry = way >> 1;
    const direction = way & 1;
    const id = this.#aliases.flowOf(entry);
    const { words, hash, synSeq } = this.entries;
    const word = id << ENTRY_SHIFT;
    const state = words[word + E_STATE]!;
    const bootUs = this.clock[0]!;
    const flags = decoded.tcpFlags[i]!;
    this.isFormer = (state & S_PAUSED) === 0 && this.#aliases.isFormer(entry, id, bootUs);
    if (this.isFormer) this.#telling.change(id);
    const isQuiet = (flags & TCP_EDGE) === 0 && words[word + E_EPOCH] === this.epoch; // of an alias
    if (this.isFormer || isQuiet) return (id << 1) | direction;
    const isOver = this.#deadlines.isOver(id, bootUs);
    const another =
      !isOver && isSyn(flags) && opensAnother(state, direction, synSeq[id * 2 + direction]!, decoded.tcpSeq[i]!);
    if (another || isOver) {
      const itsHash = hash[entry]!;
      const changes = this.sockets.take(id);
      if (another && this.#aliases.isElsewhere(entry, id)) {
        this.#aliases.detach(entry);
        this.#drop(entry);
      } else this.#retire(id, another ? FlowEnd.Forced : FlowEnd.Idle);
      const next = this.create(itsHash, batch, decoded, i);
      this.sockets.give(this.#aliases.flowOf(next >> 1), changes);
      return this.attend(next, batch, decoded, i);
    }
    if (this.sockets.changes.has(id)) this.#change(id, this.#moment.atPacket(bootUs, direction, batch, decoded, i));
    if ((words[word + E_STATE]! & (S_ENDED | S_PAUSED)) === 0 && this.#deadlines.isLong(id, bootUs)) {
      this.#telling.pause(id, FlowEnd.Active);
    }
    if ((words[word + E_STATE]! & S_PAUSED) !== 0) this.#begin(id, batch, decoded, i);
    this.handovers.give(id);
    this.#touch(id);
    if ((state & S_TCP) !== 0) this.#segment(id, direction, decoded, i);
    if (this.sockets.changes.has(id)) {
      words[word + E_EPOCH] = UNTOUCHED;
      this.handovers.note(id, direction, bootUs, batch, decoded, i);
    }
    return (id << 1) | direction;
  }

  /**
   * Whether packet `i` is the first of its direction, and takes the place of the first sighting.
   *
   * @param place where it was seen
   */
  isFirstSighting(way: number, place: number, batch: PacketBatch, decoded: DecodedBatch, i: number): boolean {
    const { words, firstSeq } = this.entries;
    const word = (way >> 1) << ENTRY_SHIFT;
    const direction = way & 1;
    if (words[word + E_IFINDEX + direction] !== NO_IFINDEX) return false;
    words[word + E_IFINDEX + direction] = place;
    firstSeq[way] = decoded.tcpSeq[i]!;
    if (direction === 0) words[word + E_STATE] = withPktType(words[word + E_STATE]!, batch.pktType[i]!);
    return true;
  }

  /** Writes the rows that are due and takes them. */
  drain(nowUs: Us): FlowColumns {
    const settled = this.#moment.atTime(nowUs - SETTLED_US);
    for (const id of this.sockets.changes.flows())
      if (this.sockets.ending(id, settled) !== NO_CHANGE) this.#change(id, settled);
    this.#telling.tellDue(nowUs);
    return this.rows.take();
  }

  /** Ends up to `most` flows: those whose time is over as `idle`, then, where all have to go, others as `forced`. */
  end(which: 'over' | 'all', nowUs: Us, most: number): void {
    let reason: number = FlowEnd.Idle;
    for (let n = 0; n < most; n++) {
      let id = reason === FlowEnd.Idle ? this.#deadlines.firstOver(nowUs) : NONE;
      if (id === NONE && which === 'all') [reason, id] = [FlowEnd.Forced, this.entries.any()];
      if (id === NONE) return;
      this.#retire(id, reason);
    }
  }

  /** Address translation begins, see FlowEntrance. A flow of the translated tuple ends: its next packet joins the other. */
  translate(original: Int32Array, translated: Int32Array): void {
    const early = this.entrance.translate(original, translated);
    if (early === NONE) return;
    this.sockets.late++;
    this.#retire(early, FlowEnd.Forced);
  }

  #touch(id: number): void {
    const { words } = this.entries;
    const word = id << ENTRY_SHIFT;
    this.#telling.countAt(id, this.clock[0]!);
    if ((words[word + E_STATE]! & S_ENDED) === 0 && words[word + E_EPOCH] !== this.epoch) this.#deadlines.moveToEnd(id);
    words[word + E_EPOCH] = this.epoch;
  }

  /** Gives the flow in entry `id` a new serial and nothing counted. */
  #begin(id: number, batch: PacketBatch, decoded: DecodedBatch, i: number): void {
    const { entries } = this;
    const bootUs = this.clock[0]!;
    const { words, doubles } = entries;
    const word = id << ENTRY_SHIFT;
    const double = id << DOUBLE_SHIFT;
    this.#deadlines.reopen(id);
    words[word + E_STATE] = withPktType(words[word + E_STATE]! & ~(S_PAUSED | S_SENT), PacketType.Unknown);
    words[word + E_IFINDEX] = NO_IFINDEX; // stores, not fill(): a call for two words takes longer than all of this
    words[word + E_IFINDEX + 1] = NO_IFINDEX;
    words[word + E_EPOCH] = UNTOUCHED;
    if (words[word + E_SIGHTINGS] !== 0) this.sightings.release(words[word + E_SIGHTINGS]!);
    words[word + E_SIGHTINGS] = 0;
    doubles[double + D_FIRST] = bootUs;
    doubles[double + D_LAST] = bootUs;
    for (let k = 0; k < 2 * COUNTERS; k++) doubles[double + D_COUNTERS + k] = 0;
    entries.ifindex[id] = batch.ifindex[i]!;
    entries.firstUs[id] = batch.sec[i]! * 1e6 + Math.floor(batch.nsec[i]! / 1000);
    entries.duplicatePackets[id] = 0;
    entries.duplicateBytes[id] = 0;
    entries.serial[id] = ++this.serial;
    if (this.#options.severalNetns) entries.mark[id] = fingerprint(batch, decoded, i);
    if (this.#options.fresh) this.fresh.add(id);
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
    this.sockets.endUncut(id);
    this.#deadlines.linger(id);
  }

  /** Lets sockets change that did so by then, which ends the flow when it belonged to the one before. */
  #change(id: number, moment: Moment): void {
    const state = this.entries.words[(id << ENTRY_SHIFT) + E_STATE]!;
    if ((state & S_ENDED) !== 0) return; // they are of the next connection
    const { changes } = this.sockets;
    const row = this.sockets.ending(id, moment);
    if (row !== NO_CHANGE && (state & S_PAUSED) === 0 && this.entries.hasCounted(id)) {
      if (changes.endReason[row] === FlowEnd.Forced) this.handovers.take(id, changes, row, moment);
      else this.handovers.forget(id);
      this.sockets.cut(id, row);
      this.#telling.pause(id, changes.endReason[row]!);
      if (changes.endReason[row] === FlowEnd.EndOfFlow) this.#deadlines.close(id);
      this.entries.words[(id << ENTRY_SHIFT) + E_STATE]! |= S_FOLLOWS;
    }
    this.sockets.apply(id, moment);
    if (row === NO_CHANGE) this.#telling.hurry(id);
  }

  #takeEntry(): number {
    const id = this.entries.take();
    if (id !== NONE) return id;
    this.#retire(this.#deadlines.victim(), FlowEnd.LackOfResources);
    return this.entries.take();
  }

  /** The flow leaves the table with its aliases; its end is told unless a row has told it already. */
  #retire(id: number, endReason: number): void {
    const { words, next } = this.entries;
    const state = words[(id << ENTRY_SHIFT) + E_STATE]!;
    if ((state & S_ENDED) !== 0) {
      if (this.#telling.hasChanged(id)) this.#telling.tell(id, FlowEnd.EndOfFlow);
    } else if ((state & S_PAUSED) === 0) {
      const isClosed = this.sockets.isClosed(id);
      this.#telling.tell(id, isClosed ? FlowEnd.EndOfFlow : endReason);
      if (!isClosed && endReason === FlowEnd.LackOfResources) this.evicted++;
    }
    this.#deadlines.remove(id);
    this.sightings.release(words[(id << ENTRY_SHIFT) + E_SIGHTINGS]!);
    this.sockets.release(id);
    this.handovers.forget(id);
    this.rows.natKeys.delete(id);
    for (let alias = this.#aliases.firstOf(id); alias !== NONE; ) {
      const after = next[alias]!;
      this.#drop(alias);
      alias = after;
    }
    this.#drop(id);
  }

  #drop(id: number): void {
    this.index.remove(this.entries.hash[id]!, id);
    this.entries.release(id);
  }
}
