/** Multipath TCP, RFC 8684: packets are those of subflows, sockets of the kernel's own; the process has another one. */
import { OwnerEvidence } from '../core/socket.ts';
import { KEY_WORDS, keyProtocol, Protocol } from '../core/tuple.ts';
import type { Facts } from './facts.ts';

/**
 * The socket that processes act on, on the same tuple and at the same time as a subflow on which nobody acts: two
 * connections cannot share a tuple, so there is no other explanation. (net/mptcp/protocol.c: mptcp_sk_clone_init().)
 *
 * @param row of the subflow @returns its row, -1: there is none
 */
export function socketOfSubflow(row: number, { sockets, owners }: Facts): number {
  const { key, netns, cookie, fromUs, closedUs } = sockets.facts;
  const at = row * KEY_WORDS;
  if (keyProtocol(key, at) !== Protocol.Tcp || !sockets.isTold(row)) return -1;
  for (let other = sockets.firstOn(key, at); other !== -1; other = sockets.nextOn(other, key, at)) {
    if (cookie[other] === cookie[row] || netns[other] !== netns[row] || !sockets.isTold(other)) continue;
    const isTogether = fromUs[other]! < closedUs[row]! && fromUs[row]! < closedUs[other]!;
    const newest = owners.newest(cookie[other]!);
    if (isTogether && newest !== -1 && owners.facts.evidence[newest] === OwnerEvidence.Transfer) return other;
  }
  return -1;
}
