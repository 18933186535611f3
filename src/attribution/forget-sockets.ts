/** Which sockets nobody asks for any more. */
import { HOUR_US, SECOND_US, type Us } from '../core/time.ts';
import { KEY_WORDS, keyProtocol, Protocol } from '../core/tuple.ts';
import type { OwnerTable } from './owner-table.ts';
import type { PendingEnds } from './pending-ends.ts';
import type { SocketTable } from './socket-table.ts';

/**
 * What the kernel told to be closed is kept so long: the rows of its flows come within seconds, and 5,000 connections a
 * second leave 10,000 sockets.
 */
export const KEEP_CLOSED_US = 30 * SECOND_US;
/** The same of sockets without connections: no TIME_WAIT, so nothing more comes on their tuple. */
export const KEEP_CLOSED_DATAGRAM_US = 5 * SECOND_US;
/** An open socket that no packet and no list showed for so long is forgotten: its end may have been missed. */
const OPEN_KEEP_US = HOUR_US;
/**
 * Rows of open sockets: a server has one for each peer. Beyond, the oldest go. A flow that lives knows its socket; a later
 * one on the tuple is found by the port, until the kernel, which remembers twice as many tuples, tells of it once more.
 */
const MOST_OPEN = 1 << 15;

/** Rows that are looked at between two yields. */
const STEP_ROWS = 512;

/**
 * Drops them with their owners. Calls `onForget` for each while its row is still readable.
 *
 * @param seenUs those that were seen last before that, if nobody told of their end
 */
export function* forgetSockets(
  {
    sockets,
    owners,
    pending,
    keepClosedUs,
  }: {
    readonly sockets: SocketTable;
    readonly owners: OwnerTable;
    readonly pending: PendingEnds;
    readonly keepClosedUs: Us;
  },
  nowUs: Us,
  seenUs: Us,
  onForget: (row: number) => void,
): Generator<void> {
  const { key, cookie, toUs, closedUs } = sockets.facts;
  const isOpen = (row: number): boolean => sockets.isTold(row) && closedUs[row] === Infinity;
  const openUs = seenUs - OPEN_KEEP_US;
  const crowdedUs = Math.min(nowUs - KEEP_CLOSED_DATAGRAM_US, crowdUs(sockets, isOpen));
  yield;
  const keepUs = (row: number): Us =>
    keyProtocol(key, row * KEY_WORDS) === Protocol.Tcp ? keepClosedUs : Math.min(keepClosedUs, KEEP_CLOSED_DATAGRAM_US);
  const closed: number[] = []; // cookies
  let looks = 0;
  for (const row of sockets.rows()) {
    if (++looks % STEP_ROWS === 0) yield;
    const isOver = toUs[row]! < (isOpen(row) ? openUs : seenUs) || closedUs[row]! < nowUs - keepClosedUs;
    const isUnused = isOpen(row) ? toUs[row]! < crowdedUs : closedUs[row]! < nowUs - keepUs(row);
    if (!isOver && (!isUnused || pending.isOn(key, row * KEY_WORDS))) continue;
    if (closedUs[row] !== Infinity) closed.push(cookie[row]!);
    onForget(row);
    sockets.drop(row);
  }
  for (const one of closed) if (sockets.firstOf(one) === -1) owners.forgetSocket(one);
}

/** When the oldest of those that there is room for was seen last; -Infinity: there is room for all. */
function crowdUs(sockets: SocketTable, isOpen: (row: number) => boolean): Us {
  if (sockets.size <= MOST_OPEN) return Number.NEGATIVE_INFINITY;
  const seen = new Float64Array(sockets.size);
  let count = 0;
  for (const row of sockets.rows()) if (isOpen(row)) seen[count++] = sockets.facts.toUs[row]!;
  return count <= MOST_OPEN ? Number.NEGATIVE_INFINITY : seen.subarray(0, count).sort()[count - MOST_OPEN]!;
}
