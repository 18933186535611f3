/** Key of a socket from what the kernel shows of it: one spelling for IPv4, whatever the family of the socket. */
import { isLinkLocal, isMapped, isUnspecified } from '../core/address.ts';
import { K_FIRST, K_META, K_PORTS, K_SCOPE, K_SECOND, packMeta, packPorts } from '../core/tuple.ts';

export const AF_INET = 2;
export const AF_INET6 = 10;

/** Writes the IPv4 address `word` (network order) as ::ffff:a.b.c.d at `key[to]`. */
export function putMapped(key: Int32Array, to: number, word: number): void {
  key[to] = 0;
  key[to + 1] = 0;
  key[to + 2] = 0xffff;
  key[to + 3] = word;
}

/**
 * Fills the other words of the key at `key[at]`, whose two addresses are written already.
 *
 * A socket of family AF_INET6 that speaks IPv4 shows ::ffff:a.b.c.d, its packets are IPv4: the key says version 4.
 * Its end that is not set yet reads ::, which then means 0.0.0.0. A wildcard with both ends :: stays version 6:
 * it may serve both.
 *
 * @param family AF_INET or AF_INET6
 * @param ifindex device the socket is bound to, 0 when none; kept only where a link-local address needs it
 */
export function finishKey(
  key: Int32Array,
  at: number,
  family: number,
  protocol: number,
  netns: number,
  localPort: number,
  remotePort: number,
  ifindex: number,
): void {
  const local = at + K_FIRST;
  const remote = at + K_SECOND;
  const version = family === AF_INET || isMapped(key, local) || isMapped(key, remote) ? 4 : 6;
  if (version === 4) {
    if (isUnspecified(key, local)) putMapped(key, local, 0);
    if (isUnspecified(key, remote)) putMapped(key, remote, 0);
  }
  key[at + K_META] = packMeta(protocol, version, netns);
  key[at + K_PORTS] = packPorts(localPort, remotePort);
  key[at + K_SCOPE] = isLinkLocal(key, local) || isLinkLocal(key, remote) ? ifindex : 0;
}
