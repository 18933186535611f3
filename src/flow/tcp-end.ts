/** Begin and end of a TCP connection as its packets show it, RFC 9293 sections 3.5 and 3.6. */
import { S_ENDED, S_FIN, S_OPEN, S_REFUSED, S_SYN } from './flow-state.ts';

export const TCP_FIN = 0x01;
export const TCP_SYN = 0x02;
export const TCP_RST = 0x04;
export const TCP_ACK = 0x10;

/** Packets that can begin or end something; all others only count. */
export const TCP_EDGE = TCP_FIN | TCP_SYN | TCP_RST;

export const isSyn = (flags: number): boolean => (flags & (TCP_SYN | TCP_ACK | TCP_RST)) === TCP_SYN;
export const isSynAck = (flags: number): boolean => (flags & (TCP_SYN | TCP_ACK | TCP_RST)) === (TCP_SYN | TCP_ACK);

/**
 * Whether a SYN opens another connection on the tuple of a flow. Not when it is sent again (same sequence number), nor
 * when the flow has shown nothing but the other side of a handshake: reordered, or a simultaneous open.
 *
 * @param state of the flow
 * @param first sequence number of the first SYN in this direction, if there was one
 */
export function opensAnother(state: number, direction: number, first: number, seq: number): boolean {
  if ((state & (S_SYN << direction)) !== 0) return first !== seq;
  return (state & (S_OPEN | S_ENDED)) !== 0;
}

/** @returns the state after a packet with `flags` in `direction`; S_ENDED is set by a RST or by the second FIN */
export function afterSegment(state: number, direction: number, flags: number): number {
  let next = state;
  if (isSyn(flags)) next |= S_SYN << direction;
  if ((flags & TCP_SYN) === 0) next |= S_OPEN;
  if ((flags & TCP_FIN) !== 0) next |= S_FIN << direction;
  const bothFins = S_FIN | (S_FIN << 1);
  if ((flags & TCP_RST) !== 0 || (next & bothFins) === bothFins) next |= S_ENDED;
  const unanswered = (state & S_OPEN) === 0 && (state & (S_SYN << (direction ^ 1))) !== 0;
  if ((flags & TCP_RST) !== 0 && unanswered) next |= S_REFUSED;
  return next;
}
