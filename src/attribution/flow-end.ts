/** An end of a flow, and whether a socket was there at its time and place. */
import type { Match } from '../core/attribution.ts';
import { SECOND_US, type Us } from '../core/time.ts';
import { keyProtocol, Protocol } from '../core/tuple.ts';
import type { SocketTable } from './socket-table.ts';

/** A fact first seen later than this after the last packet says nothing about it: tuples are reused within seconds. */
const MAX_GAP_US = SECOND_US;

/** One end of a flow as the look-up sees it. */
export interface FlowEnd {
  readonly key: Int32Array; // first end local
  readonly at: number;
  readonly nat: Int32Array; // the same row of another table: the tuple on the other side of translation, all zero: none
  readonly firstUs: Us; // CLOCK_BOOTTIME
  readonly lastUs: Us;
  readonly ended: boolean;
  readonly beganIt: boolean; // this end sent the first packet
  readonly isRefused: boolean; // its flow is a SYN that a RST answered
  readonly isCut: boolean; // its flow was ended because a socket changed hands
  readonly isHanded: boolean; // its flow began with that
  readonly handedUs: Us; // when the process was told that took this very end over, 0: none did
  readonly cutUs: Us; // when the next one was, Infinity: none
  readonly ifindex: number;
  readonly netns: number; // inode of the namespace in which the flow was seen, 0: not known
  readonly cookie: number; // of the socket, as kernel events said, 0: not known
  readonly isMulticast: boolean; // the local address is a group or a broadcast address
  readonly isForeign: boolean; // the address is not of that namespace: only a socket that was told can own it
}

export interface SocketMatch {
  readonly match: Match;
  readonly rows: readonly number[]; // several: sockets that share a port (SO_REUSEPORT) or a group
  readonly inTurn?: boolean; // or that had the tuple one after the other, each for some of the packets
}

/** Of the namespace of the sighting, or of none that is known. */
export function isHere(end: FlowEnd, sockets: SocketTable, row: number): boolean {
  const netns = sockets.facts.netns[row];
  return netns === 0 || end.netns === 0 || netns === end.netns;
}

/**
 * Seen at or after the first packet, and first seen not too long after the last one: a connection that lives may have
 * been seen late, a datagram flow may only seem to live while another socket has taken its port.
 */
export function held(end: FlowEnd, sockets: SocketTable, row: number): boolean {
  const { fromUs, boundIfindex } = sockets.facts;
  if (boundIfindex[row] !== 0 && end.ifindex !== 0 && boundIfindex[row] !== end.ifindex) return false;
  const lives = !end.ended && keyProtocol(end.key, end.at) === Protocol.Tcp;
  return sockets.untilUs(row) >= end.firstUs && (lives || fromUs[row]! <= end.lastUs + MAX_GAP_US);
}

/**
 * Time between the flow and the socket; 0: they met. A socket that was told is there until it is closed, another one
 * when it was seen; a flow that lives still may meet it.
 */
export function gapUs(end: FlowEnd, sockets: SocketTable, row: number): Us {
  if (sockets.isTold(row)) return Math.max(0, end.firstUs - sockets.facts.closedUs[row]!);
  return end.ended ? Math.max(0, sockets.facts.fromUs[row]! - end.lastUs) : 0;
}
