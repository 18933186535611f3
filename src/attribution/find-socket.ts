import { isMapped, isUnspecified } from '../core/address.ts';
import { SocketState } from '../core/socket.ts';
import { K_FIRST, K_META, KEY_WORDS, keyFirstPort, keyProtocol, Protocol } from '../core/tuple.ts';
import { findOnTuple, inTurn, matchOf } from './find-on-tuple.ts';
import { type FlowEnd, held, isHere, type SocketMatch } from './flow-end.ts';
import type { SocketTable } from './socket-table.ts';

/**
 * Finds the sockets that could own `end`, closest match first. Looks only at facts of the flow's own time.
 *
 * The cookie names a socket for good; then comes the tuple, then the tuple on the other side of address translation.
 * Without a socket on the tuple, those that are bound to the port come, as the kernel scores them:
 * compute_score() in net/ipv4/udp.c and net/ipv4/inet_hashtables.c.
 */
export function findSocket(end: FlowEnd, sockets: SocketTable): SocketMatch | undefined {
  if (end.isMulticast) return findReceivers(end, sockets);
  if (end.cookie !== 0) {
    const row = rowOfCookie(end, sockets);
    if (row !== -1) return inTurn(end, end.key, sockets, { match: matchOf([row], sockets), rows: [row] });
  }
  const translated = isTranslated(end);
  const exact = findOnTuple(end, end.key, sockets) ?? (translated ? findTranslated(end, sockets) : undefined);
  if (exact !== undefined || end.isForeign || end.isRefused) return exact;
  return findOnPort(end, translated ? end.nat : end.key, sockets);
}

/** The socket's row on this tuple, else any of it. A listener's cookie belongs to nobody's connection. */
function rowOfCookie(end: FlowEnd, sockets: SocketTable): number {
  const { cookie, state } = sockets.facts;
  for (let row = sockets.firstOn(end.key, end.at); row !== -1; row = sockets.nextOn(row, end.key, end.at)) {
    if (cookie[row] === end.cookie && state[row] !== SocketState.Listen) return row;
  }
  const row = sockets.firstOf(end.cookie);
  return row !== -1 && state[row] === SocketState.Listen ? -1 : row;
}

function isTranslated({ nat, at }: FlowEnd): boolean {
  return nat[at + K_META] !== 0;
}

function findTranslated(end: FlowEnd, sockets: SocketTable): SocketMatch | undefined {
  const found = findOnTuple(end, end.nat, sockets);
  return found === undefined ? undefined : { ...found, match: 'conntrack' };
}

/** Everybody who joined the group gets a copy: those that were told on the tuple, and those that are bound to the port. */
function findReceivers(end: FlowEnd, sockets: SocketTable): SocketMatch | undefined {
  const told = findOnTuple(end, end.key, sockets);
  const bound = findOnPort(end, end.key, sockets);
  if (told?.match !== 'cookie' || bound === undefined) return told ?? bound;
  const { cookie } = sockets.facts;
  const known = new Set(told.rows.map((row) => cookie[row]));
  const others = bound.rows.filter((row) => cookie[row] === 0 || !known.has(cookie[row]));
  return others.length === 0 ? told : { match: bound.match, rows: [...told.rows, ...others] };
}

function findOnPort(end: FlowEnd, key: Int32Array, sockets: SocketTable): SocketMatch | undefined {
  const protocol = keyProtocol(key, end.at);
  if (protocol === Protocol.Tcp) return findListener(end, key, sockets);
  const found = findAssociated(end, key, sockets) ?? findUnconnected(end, key, sockets, keyFirstPort(key, end.at));
  if (protocol !== Protocol.Icmp && protocol !== Protocol.Icmp6) return found;
  if (found !== undefined) return { match: 'icmp-id', rows: found.rows };
  // A ping that uses a raw socket instead: the id in its packets is known to nobody else.
  return findUnconnected(end, key, sockets, 0);
}

/** An association that is accepted leaves its endpoint as a connection does; one that is not is the endpoint's own. */
function findAssociated(end: FlowEnd, key: Int32Array, sockets: SocketTable): SocketMatch | undefined {
  return keyProtocol(key, end.at) === Protocol.Sctp ? findListener(end, key, sockets) : undefined;
}

function heldOnPort(end: FlowEnd, sockets: SocketTable, protocol: number, port: number): readonly number[] {
  return sockets.onPort(protocol, port).filter((row) => isHere(end, sockets, row) && held(end, sockets, row));
}

function findUnconnected(end: FlowEnd, key: Int32Array, sockets: SocketTable, port: number): SocketMatch | undefined {
  const open = heldOnPort(end, sockets, keyProtocol(key, end.at), port);
  const bound = boundTo(key, end.at, sockets, open);
  if (bound.length > 0) return { match: 'bound', rows: bound, inTurn: tookTurns(bound, sockets) };
  const wildcard = wildcards(end, sockets, open);
  if (wildcard.length === 0) return undefined;
  return { match: 'wildcard', rows: wildcard, inTurn: tookTurns(wildcard, sockets) };
}

/** Several were there, and one of them was closed meanwhile: the others need not have been there before. */
function tookTurns(rows: readonly number[], sockets: SocketTable): boolean {
  return rows.length > 1 && rows.some((row) => !sockets.isTold(row) && sockets.facts.closedUs[row] !== Infinity);
}

/** @param key the end's tuple, or the translated one, at `end.at` */
export function findListener(end: FlowEnd, key: Int32Array, sockets: SocketTable): SocketMatch | undefined {
  const open = heldOnPort(end, sockets, keyProtocol(key, end.at), keyFirstPort(key, end.at));
  const listening = open.filter((row) => sockets.facts.state[row] === SocketState.Listen);
  const bound = boundTo(key, end.at, sockets, listening);
  if (bound.length > 0) return { match: 'listener', rows: bound };
  const wildcard = wildcards(end, sockets, listening);
  return wildcard.length > 0 ? { match: 'listener', rows: wildcard } : undefined;
}

function boundTo(key: Int32Array, at: number, sockets: SocketTable, open: readonly number[]): readonly number[] {
  const local = sockets.facts.key;
  return open.filter((row) => {
    const from = row * KEY_WORDS + K_FIRST;
    for (let w = 0; w < 4; w++) if (local[from + w] !== key[at + K_FIRST + w]) return false;
    return true;
  });
}

/** Sockets bound to all addresses of the family; for an IPv4 packet a dual-stack `::` socket comes after 0.0.0.0. */
function wildcards(end: FlowEnd, sockets: SocketTable, open: readonly number[]): readonly number[] {
  const any = open.filter((row) => isUnspecified(sockets.facts.key, row * KEY_WORDS + K_FIRST));
  const v4 = any.filter((row) => isMapped(sockets.facts.key, row * KEY_WORDS + K_FIRST));
  if (!isMapped(end.key, end.at + K_FIRST)) return any.filter((row) => !v4.includes(row));
  return v4.length > 0 && !end.isMulticast ? v4 : any;
}
