import { isMapped, isUnspecified } from '../core/address.ts';
import type { Match } from '../core/attribution.ts';
import { SocketState } from '../core/socket.ts';
import { SECOND_US, type Us } from '../core/time.ts';
import { K_FIRST, KEY_WORDS, keyFirstPort, keyProtocol, Protocol } from '../core/tuple.ts';
import { isClosing, type SocketTable } from './socket-table.ts';

/** A fact first seen later than this after the last packet says nothing about it: tuples are reused within seconds. */
const MAX_GAP_US = SECOND_US;

/** One end of a flow as the look-up sees it. */
export interface FlowEnd {
  readonly key: Int32Array; // first end local
  readonly at: number;
  readonly firstUs: Us; // CLOCK_BOOTTIME
  readonly lastUs: Us;
  readonly ended: boolean;
  readonly ifindex: number;
  readonly multicast: boolean; // the local address is a group or a broadcast address
}

export interface SocketMatch {
  readonly match: Match;
  readonly rows: readonly number[]; // several: sockets that share a port (SO_REUSEPORT) or a group
}

/**
 * Finds the sockets that could own `end`, closest match first, as the kernel scores them:
 * compute_score() in net/ipv4/udp.c and net/ipv4/inet_hashtables.c. Looks only at facts of the flow's own time.
 */
export function findSocket(end: FlowEnd, sockets: SocketTable): SocketMatch | undefined {
  const exact = [...sockets.onTuple(end.key, end.at)].filter((row) => heldOnTuple(end, sockets, row));
  if (exact.length > 0) return { match: 'five-tuple', rows: [closestInTime(end, sockets, exact)] };
  const protocol = keyProtocol(end.key, end.at);
  const port = keyFirstPort(end.key, end.at);
  const open = heldOnPort(end, sockets, protocol, port);
  if (protocol === Protocol.Tcp) return findListener(end, sockets, open);
  const found = findUnconnected(end, sockets, open);
  if (protocol !== Protocol.Icmp && protocol !== Protocol.Icmp6) return found;
  if (found !== undefined) return { match: 'icmp-id', rows: found.rows };
  // A ping that uses a raw socket instead: the id in its packets is known to nobody else.
  return findUnconnected(end, sockets, heldOnPort(end, sockets, protocol, 0));
}

function heldOnPort(end: FlowEnd, sockets: SocketTable, protocol: number, port: number): readonly number[] {
  return [...sockets.onPort(protocol, port)].filter((row) => held(end, sockets, row));
}

function findUnconnected(end: FlowEnd, sockets: SocketTable, open: readonly number[]): SocketMatch | undefined {
  const bound = open.filter((row) => sameLocalAddress(end, sockets, row));
  if (bound.length > 0) return { match: 'bound', rows: bound };
  const wildcard = wildcards(end, sockets, open);
  return wildcard.length > 0 ? { match: 'wildcard', rows: wildcard } : undefined;
}

function findListener(end: FlowEnd, sockets: SocketTable, open: readonly number[]): SocketMatch | undefined {
  const listening = open.filter((row) => sockets.facts.state[row] === SocketState.Listen);
  const bound = listening.filter((row) => sameLocalAddress(end, sockets, row));
  if (bound.length > 0) return { match: 'listener', rows: bound };
  const wildcard = wildcards(end, sockets, listening);
  return wildcard.length > 0 ? { match: 'listener', rows: wildcard } : undefined;
}

/** Seen at or after the first packet, and first seen not too long after the last one. */
function held(end: FlowEnd, sockets: SocketTable, row: number): boolean {
  const { fromUs, toUs, boundIfindex } = sockets.facts;
  if (boundIfindex[row] !== 0 && end.ifindex !== 0 && boundIfindex[row] !== end.ifindex) return false;
  return toUs[row]! >= end.firstUs && (!end.ended || fromUs[row]! <= end.lastUs + MAX_GAP_US);
}

/** A connection first seen after the flow ended is its own only while it is closing; else it is the next one. */
function heldOnTuple(end: FlowEnd, sockets: SocketTable, row: number): boolean {
  if (!held(end, sockets, row)) return false;
  const isTcp = keyProtocol(end.key, end.at) === Protocol.Tcp;
  const seenAfterEnd = end.ended && sockets.facts.fromUs[row]! > end.lastUs;
  return !(isTcp && seenAfterEnd) || isClosing(sockets.facts.state[row]!);
}

function closestInTime(end: FlowEnd, sockets: SocketTable, rows: readonly number[]): number {
  return rows.reduce((best, row) => (gapUs(end, sockets, row) < gapUs(end, sockets, best) ? row : best));
}

/** Time between the flow's last packet and the first sight of the socket; 0: it was seen meanwhile, or the flow lives. */
export function gapUs(end: FlowEnd, sockets: SocketTable, row: number): Us {
  return end.ended ? Math.max(0, sockets.facts.fromUs[row]! - end.lastUs) : 0;
}

function sameLocalAddress(end: FlowEnd, sockets: SocketTable, row: number): boolean {
  const { key } = sockets.facts;
  const at = row * KEY_WORDS + K_FIRST;
  for (let w = 0; w < 4; w++) if (key[at + w] !== end.key[end.at + K_FIRST + w]) return false;
  return true;
}

/** Sockets bound to all addresses of the family; for an IPv4 packet a dual-stack `::` socket comes after 0.0.0.0. */
function wildcards(end: FlowEnd, sockets: SocketTable, open: readonly number[]): readonly number[] {
  const any = open.filter((row) => isUnspecified(sockets.facts.key, row * KEY_WORDS + K_FIRST));
  const v4 = any.filter((row) => isMapped(sockets.facts.key, row * KEY_WORDS + K_FIRST));
  if (!isMapped(end.key, end.at + K_FIRST)) return any.filter((row) => !v4.includes(row));
  return v4.length > 0 && !end.multicast ? v4 : any;
}
