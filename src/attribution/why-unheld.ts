/** Why an end has no process, where it has none. */
import type { Reason } from '../core/attribution.ts';
import { isClosing, SocketState } from '../core/socket.ts';
import type { Facts } from './facts.ts';
import type { FlowEnd } from './flow-end.ts';

/** No socket was there. */
export function whyMissing(end: FlowEnd, facts: Facts): Reason {
  if (end.isRefused && !end.beganIt) return 'kernel'; // the RST is its own: no socket listened
  const isLost = facts.lost.some(({ fromUs, toUs }) => fromUs <= end.lastUs && toUs >= end.firstUs);
  return isLost ? 'overflow' : 'no-socket';
}

/** The socket of that row was there, and nobody who had it is known. */
export function whyUnheld(row: number, facts: Facts): Reason {
  const { uid, toUs, fromUs, inode, state, closedUs } = facts.sockets.facts;
  const { startedUs, deniedUids, partlyDeniedUids, isSnapshot } = facts.scan;
  // The kernel lists whatever a process has open. What lasts and is not in the list is the kernel's own.
  const isUnlisted = isSnapshot && startedUs > fromUs[row]! && inode[row] === 0;
  if (isUnlisted && facts.sockets.isTold(row)) return closedUs[row] === Infinity ? 'kernel' : 'closed-before-scan';
  // Whichever scan it was: the socket is of that user, also when it was seen before it was accepted, without an inode.
  if (deniedUids.has(uid[row]!) && (inode[row] !== 0 || !isClosing(state[row]!))) return 'no-permission';
  if (startedUs <= fromUs[row]! || inode[row] === 0) return 'closed-before-scan';
  // Still open after a scan that found no descriptor of it: hidden from us, or the kernel's own. An orphan or TIME_WAIT
  // is seen for a while after its process has closed it; in CLOSE_WAIT a process still has it.
  const isOrphan = isClosing(state[row]!) && state[row] !== SocketState.CloseWait;
  const isClosed = isOrphan || closedUs[row] !== Infinity;
  if (toUs[row]! <= startedUs || isClosed) return 'closed-before-scan';
  if (partlyDeniedUids.has(uid[row]!)) return 'no-permission';
  return deniedUids.size + partlyDeniedUids.size === 0 ? 'kernel' : 'closed-before-scan';
}
