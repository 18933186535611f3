/** What a kernel event says about the flow of its tuple. */
import { isMulticast, isUnspecified } from '../core/address.ts';
import { OwnerEvidence, SocketEvent, type SocketEventColumns, SocketFlag } from '../core/socket.ts';
import type { Us } from '../core/time.ts';
import { K_FIRST, K_SECOND, KEY_WORDS, keyProtocol, Protocol } from '../core/tuple.ts';
import { Edge } from './end-changes.ts';

/**
 * What a socket does with a tuple. With the last two another process uses it from now on, and of TCP the sequence number
 * is known from which on it has sent, or received.
 */
export const Use = { Sends: 1, Receives: 2, ChangesHands: 3, HandsOverSent: 4, HandsOverReceived: 5 } as const;

/**
 * What event `e` says about flows, undefined when nothing. Several sockets receive a multicast, and raw sockets receive
 * ICMP that the kernel answers: having received proves nothing there.
 */
export function useOf(events: SocketEventColumns, e: number): number | undefined {
  const { kind, key, flags, previous } = events;
  const row = e * KEY_WORDS;
  if (kind[e] === SocketEvent.Owner) {
    if (isUnspecified(key, row + K_SECOND) || previous[e] !== OwnerEvidence.Transfer) return undefined;
    if ((flags[e]! & SocketFlag.SentFrom) !== 0) return Use.HandsOverSent;
    return (flags[e]! & SocketFlag.ReceivedFrom) !== 0 ? Use.HandsOverReceived : Use.ChangesHands;
  }
  if ((flags[e]! & SocketFlag.Outgoing) !== 0) return Use.Sends;
  const protocol = keyProtocol(key, row);
  const proves = protocol !== Protocol.Icmp && protocol !== Protocol.Icmp6 && !isMulticast(key, row + K_FIRST);
  return proves ? Use.Receives : undefined;
}

/** Which octets show that a process has taken over the socket at the end `side` of a flow. */
export function edgeOf(use: number, side: number): number {
  if (use === Use.ChangesHands) return Edge.None;
  return Edge.Original + (use === Use.HandsOverSent ? side : side ^ 1);
}

/** The packet of a sending socket comes after its event; both clocks are read apart, hence a little before. */
const SENT_EARLIER_US = 50;
/** The packet of a receiving socket comes before its event, by as long as it waits for a processor. */
const HEARD_EARLIER_US = 1000;

/** By how much the packet of an event may be older than the event. */
export const earlierUs = (use: number): Us => (use === Use.Receives ? HEARD_EARLIER_US : SENT_EARLIER_US);

/** The same, where nothing can go wrong but that a socket stays unknown. */
export const learnedUs = (use: number): Us => (use === Use.Receives ? 50_000 : 1000);
