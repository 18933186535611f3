/** What was open when a recording ended. */
import { SocketState, SourceCode } from '../core/socket.ts';
import type { Us } from '../core/time.ts';
import { KEY_WORDS, keyProtocol, Protocol } from '../core/tuple.ts';
import type { Facts } from './facts.ts';

/**
 * Nobody told of the end of these sockets until `atUs`, and nothing that was told is missing: they were there until then,
 * not only until somebody saw them. The kernel's last list has them, or they are younger than it.
 *
 * Not rows of a datagram socket on one of its peers, nor of a listener on a SYN: those leave their tuple untold.
 */
export function seeStillOpen({ sockets, scan, lost }: Pick<Facts, 'sockets' | 'scan' | 'lost'>, atUs: Us): void {
  if (!scan.isSnapshot || lost.some(({ toUs }) => toUs >= scan.startedUs)) return;
  const { key, source, state, toUs, closedUs } = sockets.facts;
  for (const row of sockets.rows()) {
    if (source[row] !== SourceCode.Bpf || closedUs[row] !== Infinity || toUs[row]! < scan.startedUs) continue;
    const isConnection = keyProtocol(key, row * KEY_WORDS) === Protocol.Tcp && state[row] !== SocketState.Listen;
    if (isConnection || sockets.hasNoRemote(row)) sockets.use(row, atUs);
  }
}
