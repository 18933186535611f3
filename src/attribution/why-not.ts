/** Why a socket is not the one of an end: the rules by which another was found, asked of one that was not. */
import type { Match } from '../core/attribution.ts';
import { SocketState } from '../core/socket.ts';
import { equalKeys, KEY_WORDS, keyProtocol, Protocol } from '../core/tuple.ts';
import { Fit, fitOf } from './find-on-tuple.ts';
import { type FlowEnd, held, isHere } from './flow-end.ts';
import type { SocketTable } from './socket-table.ts';

export type WhyNot =
  | 'closed-before'
  | 'came-after'
  | 'other-namespace'
  | 'is-listener'
  | 'not-listening'
  | 'fits-worse'
  | 'port-only'
  | 'less-specific';

/** How the life of the socket that was found meets the flow. */
export type MetBy =
  | 'there-then'
  | 'came-with-it'
  | 'came-meanwhile'
  | 'closed-just-before'
  | 'seen-then'
  | 'seen-after';

const MET_BY = {
  [Fit.None]: 'there-then',
  [Fit.Former]: 'closed-just-before',
  [Fit.Early]: 'came-meanwhile',
  [Fit.Begins]: 'came-with-it',
  [Fit.Covers]: 'there-then',
} as const;

export function metBy(end: FlowEnd, row: number, sockets: SocketTable): MetBy {
  if (sockets.isTold(row)) return MET_BY[fitOf(end, sockets, row) as keyof typeof MET_BY];
  return sockets.facts.fromUs[row]! > end.lastUs ? 'seen-after' : 'seen-then';
}

/** @param match how the one that was found met the packets, undefined: none was */
export function whyNot(end: FlowEnd, row: number, match: Match | undefined, sockets: SocketTable): WhyNot {
  const { key, state, closedUs, toUs } = sockets.facts;
  const isOver = (sockets.isTold(row) ? closedUs : toUs)[row]! < end.firstUs;
  const at = row * KEY_WORDS;
  if (!isHere(end, sockets, row)) return 'other-namespace';
  if (equalKeys(key, at, end.key, end.at) || equalKeys(key, at, end.nat, end.at)) {
    if (state[row] === SocketState.Listen) return 'is-listener';
    if (isOver) return 'closed-before'; // although what comes on a tuple may be its last owner's
    if (sockets.facts.fromUs[row]! > end.lastUs) return 'came-after'; // although it may be told of late
    return 'fits-worse';
  }
  if (match !== 'listener' && state[row] === SocketState.Listen) return 'is-listener'; // whenever that was
  if (!held(end, sockets, row)) return isOver ? 'closed-before' : 'came-after';
  if (keyProtocol(key, at) === Protocol.Tcp && state[row] !== SocketState.Listen) return 'not-listening';
  return match === 'bound' || match === 'wildcard' || match === 'listener' ? 'less-specific' : 'port-only';
}
