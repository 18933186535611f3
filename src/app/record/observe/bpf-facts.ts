import { copyRow, createColumns, pushRow } from '../../../core/columns.ts';
import {
  OwnerEvidence,
  SOCKET_EVENT_COLUMNS,
  SocketEvent,
  type SocketEventColumns,
  SocketFlag,
  SocketState,
  SourceCode,
} from '../../../core/socket.ts';
import { SECOND_US, type Us } from '../../../core/time.ts';
import { hashKey, K_PORTS, K_SCOPE, KEY_WORDS, mixHash } from '../../../core/tuple.ts';
import type { Learned } from './learned.ts';
import type { NetnsBook } from './netns-book.ts';
import type { ProcessBook } from './process-book.ts';

/** Slots of the two memories below, powers of two. A collision costs a repeated row, or one look-up. */
const OWNER_SLOTS = 8192;
const TUPLE_SLOTS = 32_768;
/** An owner that main was told is not told again for this long: a name server has a new tuple for each question. */
const REPEAT_US = 10 * SECOND_US;
/** How long the process of an event without start ticks is waited for: whoever watches births may tell of it later. */
const WAIT_US = SECOND_US / 5;
const MOST_WAITING = 4096;
/** What they say is true of the owner; the others are of the event. */
const EDGE_FLAGS = SocketFlag.SentFrom | SocketFlag.ReceivedFrom;
const OWNER_FLAGS = SocketFlag.Shared | SocketFlag.Kernel;

/**
 * Turns events of sockets into facts: which socket was seen on which tuple, who acted on it from when on, when it was
 * closed. The processes behind it come from the book, which must have read its own events before.
 */
export class BpfFacts {
  readonly #book: ProcessBook;
  readonly #netns: NetnsBook;
  readonly #source: number;
  readonly #told = {
    cookie: new Float64Array(OWNER_SLOTS),
    pid: new Uint32Array(OWNER_SLOTS),
    startTicks: new Float64Array(OWNER_SLOTS),
    evidence: new Uint8Array(OWNER_SLOTS),
    flags: new Uint8Array(OWNER_SLOTS),
    atUs: new Float64Array(OWNER_SLOTS),
  };
  #waiting = createColumns(SOCKET_EVENT_COLUMNS);
  readonly #owned = { hash: new Int32Array(TUPLE_SLOTS), atUs: new Float64Array(TUPLE_SLOTS) };

  /** @param source SourceCode of the layer that sees who acts */
  constructor(book: ProcessBook, netns: NetnsBook, source: number) {
    this.#book = book;
    this.#netns = netns;
    this.#source = source;
  }

  /** Appends rows to `out`. */
  take(events: SocketEventColumns, out: Learned): void {
    this.#netns.complete(events);
    for (let i = 0; i < events.count; i++) {
      if (events.kind[i] === SocketEvent.Closed) this.#addClosed(events, i, out);
      else {
        if (isOnTuple(events, i)) this.#addSocket(events, i, out);
        if (events.pid[i] !== 0) this.#refer(events, i, out);
        else if ((events.flags[i]! & SocketFlag.Kernel) !== 0) this.#addOwner(events, i, 0, out);
      }
    }
  }

  /** Looks once more for the processes of events that named somebody unknown. */
  retry(nowUs: Us, out: Learned): void {
    if (this.#waiting.count === 0) return;
    const waiting = this.#waiting;
    this.#waiting = createColumns(SOCKET_EVENT_COLUMNS);
    for (let i = 0; i < waiting.count; i++) if (nowUs - waiting.atUs[i]! < WAIT_US) this.#refer(waiting, i, out);
  }

  /** What was told has not arrived: owners are told again when something happens on their sockets. */
  repeat(): void {
    this.#told.atUs.fill(-Infinity);
  }

  /** Whether the kernel said whose the socket on that tuple (local end first) is, since `sinceUs`. */
  hasOwner(key: Int32Array, sinceUs: Us): boolean {
    const hash = hashKey(key);
    const slot = hash & (TUPLE_SLOTS - 1);
    return this.#owned.hash[slot] === hash && this.#owned.atUs[slot]! >= sinceUs;
  }

  #addSocket(events: SocketEventColumns, i: number, out: Learned): void {
    const { sockets } = out;
    const row = pushRow(sockets);
    const at = i * KEY_WORDS;
    sockets.key.set(events.key.subarray(at, at + KEY_WORDS), row * KEY_WORDS);
    sockets.cookie[row] = events.cookie[i]!;
    sockets.seenUs[row] = events.atUs[i]!;
    sockets.uid[row] = events.uid[i]!;
    sockets.boundIfindex[row] = events.key[at + K_SCOPE]!; // of a link-local address
    sockets.netns[row] = events.netns[i]!;
    sockets.state[row] = isListener(events, i) ? SocketState.Listen : SocketState.Established;
    sockets.source[row] = this.#source;
    if (events.pid[i] === 0) return;
    const hash = hashKey(events.key, at);
    const slot = hash & (TUPLE_SLOTS - 1);
    this.#owned.hash[slot] = hash;
    this.#owned.atUs[slot] = events.atUs[i]!;
  }

  #refer(events: SocketEventColumns, i: number, out: Learned): void {
    const process = this.#book.refer({
      pid: events.pid[i]!,
      startTicks: events.startTicks[i]!,
      atUs: events.atUs[i]!,
      uid: events.uid[i]!,
      cgroupId: events.cgroup[i]!,
      isCurrent: events.kind[i] === SocketEvent.Owner && events.evidence[i] !== OwnerEvidence.Snapshot,
    });
    if (process !== undefined) this.#addOwner(events, i, process.startTicks, out);
    else if (this.#waiting.count < MOST_WAITING) copyRow(SOCKET_EVENT_COLUMNS, events, i, this.#waiting);
  }

  #addOwner(events: SocketEventColumns, i: number, startTicks: number, out: Learned): void {
    if (this.#wasTold(events, i, startTicks)) return;
    const row = pushRow(out.owners);
    out.owners.cookie[row] = events.cookie[i]!;
    out.owners.pid[row] = events.pid[i]!;
    out.owners.startTicks[row] = startTicks;
    out.owners.evidence[row] = events.evidence[i]!;
    out.owners.previous[row] = events.previous[i]!;
    out.owners.source[row] = this.#source;
    out.owners.flags[row] = events.flags[i]! & OWNER_FLAGS;
    out.owners.fromUs[row] = events.atUs[i]!;
    out.owners.edge[row] = events.flags[i]! & EDGE_FLAGS;
    out.owners.sequence[row] = events.sequence[i]!;
  }

  /** Notes it as told. */
  #wasTold(events: SocketEventColumns, i: number, startTicks: number): boolean {
    const told = this.#told;
    const cookie = events.cookie[i]!;
    const slot = mixHash(cookie | 0) & (OWNER_SLOTS - 1);
    const same =
      told.cookie[slot] === cookie &&
      told.pid[slot] === events.pid[i] &&
      told.startTicks[slot] === startTicks &&
      told.evidence[slot] === events.evidence[i] &&
      told.flags[slot] === (events.flags[i]! & OWNER_FLAGS);
    if (same && events.atUs[i]! - told.atUs[slot]! < REPEAT_US) return true;
    told.cookie[slot] = cookie;
    told.pid[slot] = events.pid[i]!;
    told.startTicks[slot] = startTicks;
    told.evidence[slot] = events.evidence[i]!;
    told.flags[slot] = events.flags[i]! & OWNER_FLAGS;
    told.atUs[slot] = events.atUs[i]!;
    return false;
  }

  #addClosed(events: SocketEventColumns, i: number, out: Learned): void {
    const row = pushRow(out.closed);
    out.closed.cookie[row] = events.cookie[i]!;
    out.closed.atUs[row] = events.atUs[i]!;
  }
}

const isListener = (events: SocketEventColumns, i: number): boolean => (events.flags[i]! & SocketFlag.Listens) !== 0;

/** A packet's tuple always; a socket's when both ends are set, or it listens: before that it may become any other. */
function isOnTuple(events: SocketEventColumns, i: number): boolean {
  if (events.kind[i] === SocketEvent.Seen || isListener(events, i)) return true;
  const ports = events.key[i * KEY_WORDS + K_PORTS]!;
  return ports >>> 16 !== 0 && (ports & 0xffff) !== 0;
}

/** Of a layer of kernel programs. */
export const sourceOfLayer = (layer: 'bpf' | 'cgroup'): number =>
  layer === 'bpf' ? SourceCode.Bpf : SourceCode.Cgroup;
