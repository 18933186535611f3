/** The socket on exactly the tuple of a flow's end, of the several that may have had it one after the other. */
import { isLoopback } from '../core/address.ts';
import type { Match } from '../core/attribution.ts';
import { FIRST_TRANSLATED, isClosing, SocketState, SourceCode } from '../core/socket.ts';
import { SECOND_US } from '../core/time.ts';
import { K_FIRST, keyProtocol, Protocol } from '../core/tuple.ts';
import { CLOCK_ERROR_US } from './choose-actor.ts';
import { type FlowEnd, gapUs, held, isHere, type SocketMatch } from './flow-end.ts';
import type { SocketTable } from './socket-table.ts';

/** A socket is told of right before the first packet that it sends, and right after the first that it receives. */
const TOLD_LAG_US = 10_000;
/** A packet may leave a queue after its socket was closed. */
const QUEUE_US = 10_000;
/** What comes on the tuple of a closed connection is its own as long as it is remembered: TIME_WAIT lasts a minute. */
const FORMER_US = 120 * SECOND_US;

/** A connection ends and the next one begins within this time, as far as clocks and late notices tell. */
const BETWEEN_US = SECOND_US;

/** How well the life of a socket fits to a flow, best last. */
export const Fit = { None: 0, Former: 1, Early: 2, Begins: 3, Covers: 4 } as const;

/** @param key the end's tuple, or the translated one, at `end.at` */
export function findOnTuple(end: FlowEnd, key: Int32Array, sockets: SocketTable): SocketMatch | undefined {
  const first = sockets.firstOn(key, end.at);
  if (first === -1) return undefined;
  const told = toldOn(end, key, sockets, first);
  if (told.length > 0) return inTurn(end, key, sockets, { match: matchOf(told, sockets), rows: told });
  const seen = seenOn(end, key, sockets, first);
  if (seen.length > 0) return { match: 'five-tuple', rows: seen, inTurn: seen.length > 1 };
  if (end.isMulticast || isLoopback(key, end.at + K_FIRST)) return undefined;
  const elsewhere = bestOfEach(end, key, sockets, first, false);
  if (elsewhere.length === 0) return undefined;
  return inTurn(end, key, sockets, { match: matchOf(elsewhere, sockets), rows: elsewhere });
}

/**
 * Adds the sockets that had the tuple before or after the one that was found, while the flow went on: the flow table cuts
 * where it knows of them. It does not in a namespace where they are not, nor when it reads packets long after their time.
 */
export function inTurn(end: FlowEnd, key: Int32Array, sockets: SocketTable, found: SocketMatch): SocketMatch {
  const [row] = found.rows;
  if (end.isMulticast || row === undefined || found.rows.length > 1 || !sockets.isTold(row)) return found;
  const protocol = keyProtocol(key, end.at); // raw sockets hear what others own
  const isStream = protocol === Protocol.Tcp;
  if (!isStream && protocol !== Protocol.Udp && protocol !== Protocol.UdpLite) return found;
  const { fromUs, closedUs, netns } = sockets.facts;
  const rows = [row];
  for (let other = sockets.firstOn(key, end.at); other !== -1; other = sockets.nextOn(other, key, end.at)) {
    const isThere = other !== row && isConnection(sockets, other) && netns[other] === netns[row];
    if (!isThere || fromUs[other]! > end.lastUs || closedUs[other]! < end.firstUs) continue;
    if (!isStream || isAnotherConnection(end, sockets, row, other)) rows.push(other);
  }
  return rows.length === 1 ? found : { match: found.match, rows, inTurn: true };
}

/** A connection begins with its SYN, unless a filter or a loss kept that from whoever captured. */
function isAnotherConnection(end: FlowEnd, { facts: { fromUs, closedUs } }: SocketTable, row: number, other: number) {
  const wasBefore = closedUs[other]! <= fromUs[row]! && closedUs[other]! >= end.firstUs + BETWEEN_US;
  const cameAfter = fromUs[other]! >= closedUs[row]! && fromUs[other]! <= end.lastUs - BETWEEN_US;
  return wasBefore || cameAfter;
}

/**
 * Packets of a file have no cookies; their sockets were stored with their tuples and times, some also under that behind
 * address translation.
 */
export function matchOf(rows: readonly number[], { facts }: SocketTable): Match {
  if (facts.source[rows[0]!] !== SourceCode.History) return 'cookie';
  return facts.cookie[rows[0]!]! >= FIRST_TRANSLATED ? 'conntrack' : 'five-tuple';
}

/** Where the namespace of the packets is not known, any of several may be theirs. */
function toldOn(end: FlowEnd, key: Int32Array, sockets: SocketTable, first: number): readonly number[] {
  if (end.isMulticast) return allTold(end, key, sockets, first);
  if (end.netns !== 0) return bestTold(end, key, sockets, first);
  const rows = bestOfEach(end, key, sockets, first, true);
  const fits = rows.map((row) => fitOf(end, sockets, row));
  return rows.filter((_, i) => fits[i] === Math.max(...fits));
}

function bestTold(end: FlowEnd, key: Int32Array, sockets: SocketTable, first: number): readonly number[] {
  let best = -1;
  let bestFit: number = Fit.None;
  for (let row = first; row !== -1; row = sockets.nextOn(row, key, end.at)) {
    if (!isConnection(sockets, row) || !isHere(end, sockets, row)) continue;
    const fit = fitOf(end, sockets, row);
    if (fit < bestFit || fit === Fit.None || (fit === bestFit && !isCloser(fit, sockets, row, best))) continue;
    best = row;
    bestFit = fit;
  }
  return best === -1 ? [] : [best];
}

function allTold(end: FlowEnd, key: Int32Array, sockets: SocketTable, first: number): readonly number[] {
  const rows: number[] = [];
  for (let row = first; row !== -1; row = sockets.nextOn(row, key, end.at)) {
    if (sockets.isTold(row) && isHere(end, sockets, row) && fitOf(end, sockets, row) !== Fit.None) rows.push(row);
  }
  return rows;
}

/**
 * Of each namespace the best one: more than one is a row too many to name anybody.
 *
 * @param here those of the end's own place, or those elsewhere
 */
function bestOfEach(
  end: FlowEnd,
  key: Int32Array,
  sockets: SocketTable,
  first: number,
  here: boolean,
): readonly number[] {
  const { netns } = sockets.facts;
  const best = new Map<number, number>(); // by namespace
  for (let row = first; row !== -1; row = sockets.nextOn(row, key, end.at)) {
    if (!isConnection(sockets, row) || isHere(end, sockets, row) !== here) continue;
    const fit = fitOf(end, sockets, row);
    const rival = best.get(netns[row]!);
    const rivalFit = rival === undefined ? Fit.None : fitOf(end, sockets, rival);
    if (fit > rivalFit || (rival !== undefined && fit === rivalFit && isCloser(fit, sockets, row, rival)))
      best.set(netns[row]!, row);
  }
  return [...best.values()];
}

/** An inbound SYN shows the cookie of the listener, which is no connection's. */
function isConnection(sockets: SocketTable, row: number): boolean {
  return sockets.isTold(row) && sockets.facts.state[row] !== SocketState.Listen;
}

export function fitOf(end: FlowEnd, sockets: SocketTable, row: number): number {
  const fromUs = sockets.facts.fromUs[row]!;
  const closedUs = sockets.facts.closedUs[row]!;
  if (keyProtocol(end.key, end.at) === Protocol.Tcp) {
    if (fromUs > end.lastUs) return fromUs <= end.lastUs + TOLD_LAG_US ? Fit.Begins : Fit.None;
    if (closedUs >= end.firstUs) return Fit.Covers;
    return closedUs >= end.firstUs - FORMER_US && !end.isRefused ? Fit.Former : Fit.None;
  }
  if (fromUs > end.firstUs + CLOCK_ERROR_US) return fromUs <= end.lastUs + TOLD_LAG_US ? Fit.Early : Fit.None;
  if (fromUs > end.firstUs) return Fit.Begins;
  if (closedUs >= end.firstUs) return Fit.Covers;
  return closedUs >= end.firstUs - QUEUE_US ? Fit.Former : Fit.None;
}

/** Of those that were there already the latest, of those that came afterwards the first. */
function isCloser(fit: number, sockets: SocketTable, row: number, rival: number): boolean {
  const { fromUs } = sockets.facts;
  const isLater = fromUs[row]! > fromUs[rival]!;
  return fit === Fit.Covers || fit === Fit.Former ? isLater : fromUs[row]! < fromUs[rival]!;
}

/**
 * The closest one, those that somebody saw first; of datagram sockets all that had the tuple while the flow went on. A
 * connection begins with its SYN.
 */
function seenOn(end: FlowEnd, key: Int32Array, sockets: SocketTable, first: number): readonly number[] {
  const rows: number[] = [];
  for (let row = first; row !== -1; row = sockets.nextOn(row, key, end.at)) {
    if (!sockets.isTold(row) && isHere(end, sockets, row) && heldOnTuple(end, sockets, row)) rows.push(row);
  }
  const byEnd = (row: number): number => Number(sockets.isKnownByEnd(row));
  rows.sort((a, b) => byEnd(a) - byEnd(b) || gapUs(end, sockets, a) - gapUs(end, sockets, b));
  return keyProtocol(key, end.at) === Protocol.Tcp || end.isMulticast ? rows.slice(0, 1) : rows;
}

/** A connection first seen after the flow ended is its own only while it is closing; else it is the next one. */
function heldOnTuple(end: FlowEnd, sockets: SocketTable, row: number): boolean {
  if (!held(end, sockets, row)) return false;
  const isTcp = keyProtocol(end.key, end.at) === Protocol.Tcp;
  const seenAfterEnd = end.ended && sockets.facts.fromUs[row]! > end.lastUs;
  return !(isTcp && seenAfterEnd) || isClosing(sockets.facts.state[row]!) || sockets.isKnownByEnd(row);
}
