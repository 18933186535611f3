/** What a kernel event says about the flow of its tuple. */
import { isMulticast, isUnspecified } from '../core/address.ts';
import { OwnerEvidence, SocketEvent, type SocketEventColumns, SocketFlag } from '../core/socket.ts';
import { K_FIRST, K_SECOND, KEY_WORDS, keyProtocol, Protocol } from '../core/tuple.ts';

/** What a socket does with a tuple. */
export const Use = { Sends: 1, Receives: 2, ChangesHands: 3 } as const;

/**
 * What event `e` says about flows, undefined when nothing. Several sockets receive a multicast, and raw sockets receive
 * ICMP that the kernel answers: having received proves nothing there.
 */
export function useOf(events: SocketEventColumns, e: number): number | undefined {
  const { kind, key, flags, previous } = events;
  const row = e * KEY_WORDS;
  if (kind[e] === SocketEvent.Owner) {
    const isConnected = !isUnspecified(key, row + K_SECOND);
    return isConnected && previous[e] === OwnerEvidence.Transfer ? Use.ChangesHands : undefined;
  }
  if ((flags[e]! & SocketFlag.Outgoing) !== 0) return Use.Sends;
  const protocol = keyProtocol(key, row);
  const proves = protocol !== Protocol.Icmp && protocol !== Protocol.Icmp6 && !isMulticast(key, row + K_FIRST);
  return proves ? Use.Receives : undefined;
}
