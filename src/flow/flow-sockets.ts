/** A flow belongs to one socket at each end: what kernel events say about sockets, joined with the flows of a table. */
import { FlowEnd } from '../core/flow.ts';
import { SocketEvent, type SocketEventColumns } from '../core/socket.ts';
import type { Us } from '../core/time.ts';
import { K_META, KEY_WORDS } from '../core/tuple.ts';
import { ClosedSockets } from './closed-sockets.ts';
import { Edge, EndChanges, NO_CHANGE } from './end-changes.ts';
import type { FlowEnds } from './flow-ends.ts';
import { SEVERAL } from './flow-ends.ts';
import {
  D_LAST,
  DOUBLE_SHIFT,
  E_EPOCH,
  E_STATE,
  ENTRY_SHIFT,
  type FlowEntries,
  NONE,
  UNTOUCHED,
} from './flow-entries.ts';
import { hashKey } from './flow-key.ts';
import { S_ENDED, S_PAUSED, S_TCP } from './flow-state.ts';
import { Moment } from './moment.ts';
import { isBoundToPlace } from './same-flow.ts';
import { earlierUs, edgeOf, learnedUs, Use, useOf } from './socket-use.ts';
import { WaitingEvents } from './waiting-events.ts';

/** Sockets that receive on one tuple within this time receive the same packet: a broadcast, raw sockets. */
const TOGETHER_US = 5000;
const MOST_HANDOVERS = 8; // a flow; processes that share a socket take turns for ever

export interface SocketContext {
  /** Way of the tuple at `key[0]`, NONE when it is not in the table. */
  readonly find: (hash: number, key: Int32Array) => number;
  readonly flowOf: (id: number) => number;
  /** The row of a flow has to be sent again. */
  readonly retell: (id: number) => void;
  /** Index of the namespace with an inode, -1: nothing is captured there. */
  readonly netnsIndex: (inode: number) => number;
}

export class FlowSockets {
  readonly changes = new EndChanges();
  late = 0; // changes that came when packets beyond their time were counted already, or found no room
  readonly #entries: FlowEntries;
  readonly #ends: FlowEnds;
  readonly #seed: number;
  readonly #context: SocketContext;
  readonly #closed = new ClosedSockets(); // while events wait
  readonly #key = new Int32Array(KEY_WORDS);
  readonly #end = new Moment().atTime(Infinity);
  #waiting: WaitingEvents | undefined; // made when first needed: 5.5 MB
  #latestUs = Number.NEGATIVE_INFINITY; // of all events

  constructor(entries: FlowEntries, ends: FlowEnds, seed: number, context: SocketContext) {
    this.#entries = entries;
    this.#ends = ends;
    this.#seed = seed;
    this.#context = context;
  }

  /** Takes events that are in the kernel's ring when packets were read, before these are counted. */
  note(events: SocketEventColumns): void {
    for (let e = 0; e < events.count; e++) {
      this.#latestUs = Math.max(this.#latestUs, events.atUs[e]!);
      if (events.kind[e] === SocketEvent.Closed) this.#close(events.cookie[e]!, events.atUs[e]!);
      else this.#noteUse(events, e);
    }
  }

  /** Forgets events whose packet does not come. */
  expire(): void {
    this.#waiting?.expire(this.#latestUs);
    this.#closed.expire(this.#latestUs);
  }

  /** Gives a new entry the events that wait for its tuple. @param flow the entry that counts its packets */
  claim(id: number, flow: number): void {
    const waiting = this.#waiting;
    if (waiting === undefined || waiting.count === 0) return;
    const { words, hash } = this.#entries;
    const word = id << ENTRY_SHIFT;
    this.#takeAll(waiting.take(hash[id]!, words, word), id, flow, waiting);
    if (id === flow && !isBoundToPlace(words, word)) this.#claimElsewhere(id, waiting);
    this.#closeUntil(flow, Infinity);
  }

  /** Who sent the first packet in another namespace. An end that has a socket in its own is no other namespace's. */
  #claimElsewhere(id: number, waiting: WaitingEvents): void {
    const { words, hash } = this.#entries;
    const word = id << ENTRY_SHIFT;
    const first = waiting.sentElsewhere(hash[id]!, words, word, this.#lastUs(id));
    const isHere = first !== NONE && (this.#ends.upcoming[2 * id + waiting.sideOf(words, word, first)] ?? 0) !== 0;
    if (first !== NONE && !isHere) this.#takeAll(waiting.takeFrom(first), id, id, waiting);
  }

  #takeAll(first: number, id: number, flow: number, waiting: WaitingEvents): void {
    for (let row = first; row !== NONE; row = waiting.next(row)) {
      const atUs = waiting.atUs[row]!;
      this.#closeUntil(flow, atUs);
      const side = waiting.sideOf(this.#entries.words, id << ENTRY_SHIFT, row);
      this.#use(flow, side, waiting.cookie[row]!, atUs, waiting.use(row), waiting.sequence[row]!);
    }
  }

  /** Whether a socket of the flow was closed, and no packet has come since. */
  isClosed(id: number): boolean {
    return this.changes.endReason[this.ending(id, this.#end)] === FlowEnd.EndOfFlow;
  }

  /** The change by which the flow ends until then, NO_CHANGE when none does. */
  ending(id: number, moment: Moment): number {
    return this.changes.ending(id, moment, this.#lastUs(id));
  }

  /** Notes that the flow, which is about to be told, ends by that change. */
  cut(id: number, row: number): void {
    const { endReason, side, atUs } = this.changes;
    if (endReason[row] === FlowEnd.Forced) this.#ends.cut(id, side[row]!, atUs[row]!);
  }

  /** The connection ended before what was foretold: which octets of both had passed is not known any more. */
  endUncut(id: number): void {
    if (this.changes.has(id)) this.#ends.cut(id, 0, 0);
  }

  /** Lets the sockets change that did so until then. */
  apply(id: number, moment: Moment): void {
    const { changes } = this;
    const lastUs = this.#lastUs(id);
    for (let row = changes.first(id); changes.isDue(row, moment, lastUs); row = changes.first(id)) {
      const side = changes.side[row]!;
      this.#ends.cookie[2 * id + side] = changes.cookie[row]!;
      if (changes.endReason[row] === FlowEnd.Forced) this.#ends.hand(id, side, changes.atUs[row]!);
      changes.shift(id);
    }
    this.#foretell(id);
  }

  /** Takes the changes of a flow for give(), whose tuple begins another one. */
  take(id: number): number {
    return this.changes.first(id) === NO_CHANGE ? NO_CHANGE : this.changes.detach(id);
  }

  give(id: number, taken: number): void {
    const { changes } = this;
    for (let row = taken; row !== NO_CHANGE; row = changes.free(row)) {
      const { atUs, side, cookie, endReason, edge, sequence } = changes;
      this.#ends.reserve(id);
      this.#change(id, Infinity, atUs[row]!, side[row]!, cookie[row]!, endReason[row]!, edge[row]!, sequence[row]!);
    }
    this.#foretell(id);
  }

  /** The flow leaves the table. */
  release(id: number): void {
    while (this.changes.first(id) !== NO_CHANGE) this.changes.shift(id);
    if (2 * id >= this.#ends.upcoming.length) return;
    this.#expect(2 * id, 0);
    this.#expect(2 * id + 1, 0);
    this.#ends.clear(id);
  }

  #noteUse(events: SocketEventColumns, e: number): void {
    const use = useOf(events, e);
    const index = use === undefined ? -1 : this.#context.netnsIndex(events.netns[e]!);
    if (use === undefined || index < 0) return;
    const key = this.#key;
    for (let w = 0; w < KEY_WORDS; w++) key[w] = events.key[e * KEY_WORDS + w]!;
    key[K_META]! |= index << 16;
    const hash = hashKey(key, 0, this.#seed);
    const way = this.#context.find(hash, key);
    if (way === NONE) {
      this.#waiting ??= new WaitingEvents();
      this.#waiting.add(key, hash, events.cookie[e]!, events.atUs[e]!, use, events.sequence[e]!);
    } else
      this.#use(this.#context.flowOf(way >> 1), way & 1, events.cookie[e]!, events.atUs[e]!, use, events.sequence[e]!);
  }

  /** A socket uses the tuple of flow `id`, which it has at its local end. */
  #use(id: number, side: number, cookie: number, atUs: Us, use: number, sequence: number): void {
    this.#ends.reserve(id);
    const { upcoming, heardUs } = this.#ends;
    const end = 2 * id + side;
    const known = upcoming[end]!;
    if (use >= Use.ChangesHands) {
      if (known === cookie || known === 0) this.#handOver(id, side, cookie, atUs, edgeOf(use, side), sequence);
    } else if (known === cookie || known <= 0) {
      const isFirst = known !== cookie;
      if (use === Use.Receives && known === SEVERAL) return;
      if (use === Use.Sends) heardUs[end] = Infinity;
      else if (isFirst || heardUs[end] !== Infinity) heardUs[end] = atUs;
      if (isFirst) this.#learn(id, side, cookie, atUs, use);
    } else this.#takePlace(id, side, cookie, atUs, use);
  }

  /** Another socket than the one known. */
  #takePlace(id: number, side: number, cookie: number, atUs: Us, use: number): void {
    const { heardUs } = this.#ends;
    const end = 2 * id + side;
    const receives = use === Use.Receives;
    if (receives && heardUs[end] === Infinity) return; // who sends is the one; a raw socket hears it, too
    const isTcp = (this.#state(id) & S_TCP) !== 0;
    const together = receives && atUs - heardUs[end]! <= TOGETHER_US;
    heardUs[end] = receives ? atUs : Infinity;
    if (isTcp)
      this.#learn(id, side, cookie, atUs, use); // the child of a listener; a connection begins with its SYN
    else if (together) this.#learn(id, side, SEVERAL, atUs, use);
    else this.#change(id, atUs, atUs - earlierUs(use), side, cookie, FlowEnd.EndOfFlow);
  }

  /** The socket becomes known, which ends nothing: at once when its packet is counted already, else with its packet. */
  #learn(id: number, side: number, cookie: number, atUs: Us, use: number): void {
    const { changes } = this;
    const last = changes.last(id);
    if (last !== NO_CHANGE && changes.side[last] === side && changes.cookie[last] === 0) {
      const closedUs = changes.atUs[last]!; // its packets come somewhere between that and now
      changes.atUs[last] = Math.max(closedUs, use === Use.Sends ? (closedUs + atUs) / 2 : atUs - earlierUs(use));
      changes.cookie[last] = cookie;
      this.#expect(2 * id + side, cookie);
    } else if (this.#isCounted(id, side, atUs, use)) {
      this.#ends.cookie[2 * id + side] = cookie;
      this.#expect(2 * id + side, cookie);
      this.#context.retell(id);
    } else this.#change(id, atUs, atUs - earlierUs(use), side, cookie, FlowEnd.None);
  }

  /** Whether the packet of an event is among those that the flow has counted. */
  #isCounted(id: number, side: number, atUs: Us, use: number): boolean {
    const state = this.#state(id);
    if ((state & S_PAUSED) !== 0) return false;
    if ((state & S_ENDED) !== 0) return atUs <= this.#entries.endedBootUs[id]!; // else it is of the next connection
    const isUnknown = this.#ends.upcoming[2 * id + side] === 0;
    return this.#lastUs(id) >= atUs - (isUnknown ? learnedUs(use) : earlierUs(use));
  }

  #handOver(id: number, side: number, cookie: number, atUs: Us, edge: number, sequence: number): void {
    const isOver = (this.#state(id) & S_ENDED) !== 0 && atUs <= this.#entries.endedBootUs[id]!; // else of the next one
    if (isOver || this.#ends.handovers[id] === MOST_HANDOVERS) return;
    this.#ends.handovers[id]!++;
    this.#change(id, atUs, atUs, side, cookie, FlowEnd.Forced, edge, sequence);
    this.#foretell(id);
  }

  /** Rows say that another process writes while octets of the one before wait, so that they are not taken for its own. */
  #foretell(id: number): void {
    const row = (this.#state(id) & S_ENDED) === 0 ? this.ending(id, this.#end) : NO_CHANGE;
    if (row !== NO_CHANGE && this.changes.edge[row] === Edge.Original + this.changes.side[row]!) this.cut(id, row);
  }

  #close(cookie: number, atUs: Us): void {
    if ((this.#waiting?.count ?? 0) > 0) this.#closed.note(cookie, atUs);
    for (let end = this.#ends.endOf(cookie); end !== NONE; end = this.#ends.endOf(cookie)) this.#closeEnd(end, atUs);
  }

  /** Sockets of a flow may have been closed before their events met it. */
  #closeUntil(id: number, untilUs: Us): void {
    if (this.#closed.isEmpty || (this.#state(id) & S_TCP) !== 0) return;
    for (const end of [2 * id, 2 * id + 1]) {
      const closedUs = this.#closed.get(this.#ends.upcoming[end] ?? 0);
      if (closedUs !== undefined && closedUs <= untilUs) this.#closeEnd(end, closedUs);
    }
  }

  #closeEnd(end: number, atUs: Us): void {
    if (!this.#change(end >> 1, atUs, atUs, end & 1, 0, FlowEnd.EndOfFlow)) this.#expect(end, 0);
  }

  /** @param eventUs time of the event @param atUs time from which on packets belong to another socket */
  #change(
    id: number,
    eventUs: Us,
    atUs: Us,
    side: number,
    cookie: number,
    endReason: number,
    edge: number = Edge.None,
    sequence = 0,
  ): boolean {
    const kept = this.changes.append(id, atUs, side, cookie, endReason, edge, sequence);
    if (!kept || (endReason !== FlowEnd.None && this.#entries.hasCounted(id) && this.#lastUs(id) > eventUs))
      this.late++;
    if (!kept) return false;
    this.#expect(2 * id + side, cookie);
    this.#entries.words[(id << ENTRY_SHIFT) + E_EPOCH] = UNTOUCHED; // the next packet looks at the changes
    return true;
  }

  /** Who is at an end after all changes that wait. */
  #expect(end: number, cookie: number): void {
    this.#ends.expect(end, cookie, (this.#state(end >> 1) & S_TCP) === 0);
  }

  #state(id: number): number {
    return this.#entries.words[(id << ENTRY_SHIFT) + E_STATE]!;
  }

  #lastUs(id: number): Us {
    return this.#entries.doubles[(id << DOUBLE_SHIFT) + D_LAST]!;
  }
}
