/** Who of the processes that were seen acting on a socket did it in one flow. */
import type { Rule } from '../core/attribution.ts';
import { OwnerEvidence, SocketFlag } from '../core/socket.ts';
import { SECOND_US, type Us } from '../core/time.ts';
import type { OwnerTable } from './owner-table.ts';

/** A sender is seen sending a moment after its packet; so long it may have been interrupted in between. */
const SEND_LAG_US = 20_000;
/** A receiver is seen receiving some time after the packet came: when it gets its turn. */
const RECEIVE_LAG_US = SECOND_US;
/** Clocks of packets and of kernel events differ by a few microseconds, in either direction. */
export const CLOCK_ERROR_US = 100;

/** A flow at one of its ends, on one socket. */
export interface Use {
  readonly firstUs: Us; // CLOCK_BOOTTIME
  readonly lastUs: Us;
  readonly beganIt: boolean; // this end sent the first packet
  readonly isCut: boolean; // it was ended because its socket changed hands: whoever acts later acts in the next flow
  readonly isHanded: boolean; // it began when its socket, or that of the other end, changed hands
  readonly handedUs: Us; // when the process was told with which it began at this end, 0: it did not
  readonly cutUs: Us; // when the one was with which it ended at this end, Infinity: none
  readonly isStream: boolean; // connect() names nobody for good there: who transfers does
}

/** Rows of the owner table: one process, several that cannot be told apart, or nobody who acted. */
export type Choice =
  | { readonly kind: 'one'; readonly row: number; readonly rule: Rule }
  | { readonly kind: 'several'; readonly rows: readonly number[] }
  | { readonly kind: 'kernel'; readonly row: number }
  | { readonly kind: 'none' };

const NONE: Choice = { kind: 'none' };

/**
 * Sending and receiving beats connect(), which on a stream may have been the parent's. Processes that took turns within
 * the flow are several: a wrong name is worse than none. Looks at the rows of the socket from the newest to the one
 * that held when the flow began.
 */
export function chooseActor(owners: OwnerTable, cookie: number, use: Use): Choice {
  const { fromUs, evidence, flags } = owners.facts;
  // A handover is told before or after its packets; what they are is known, so its time is as good as theirs.
  const firstUs = use.handedUs === 0 ? use.firstUs : Math.min(use.firstUs, use.handedUs);
  const lastUs = Math.max(use.lastUs, use.handedUs);
  let later = -1; // first transfer after the flow's last packet
  let latest = -1; // last act until then
  let latestTransfer = -1;
  const inside: number[] = []; // acts between the first and the last packet, one per process
  for (let row = owners.newest(cookie); row !== -1; row = owners.older(row)) {
    if ((flags[row]! & SocketFlag.Kernel) !== 0) return { kind: 'kernel', row };
    if (fromUs[row]! >= use.cutUs) continue; // in the next flow
    const isTransfer = evidence[row] === OwnerEvidence.Transfer;
    if (fromUs[row]! > lastUs) {
      if (isTransfer) later = row;
      continue;
    }
    if ((flags[row]! & SocketFlag.Shared) !== 0 && evidence[row]! >= OwnerEvidence.Called) {
      return several(owners, [row, latest, later, ...inside]); // until the next row, nobody knows whose turn it was
    }
    if (evidence[row]! < OwnerEvidence.Called) continue;
    if (latest === -1) latest = row;
    if (isTransfer && latestTransfer === -1) latestTransfer = row;
    // Who calls sendto() is told right before the packet, who has sent right after it.
    if (fromUs[row]! >= (isTransfer ? firstUs : firstUs + CLOCK_ERROR_US)) {
      const counts = isTransfer || !use.isStream;
      if (counts && !inside.some((one) => owners.isSameProcess(one, row))) inside.push(row);
    } else {
      if (inside.length > 0) return chooseInside(owners, inside, row, use);
      if (isTransfer || !use.isStream) break;
    }
  }
  if (inside.length > 0) return chooseInside(owners, inside, -1, use);
  const before = use.isStream && latestTransfer !== -1 ? latestTransfer : latest;
  return chooseBefore(owners, before, later, use);
}

/** @param before what held when the flow began, -1: nothing */
function chooseInside(owners: OwnerTable, inside: readonly number[], before: number, use: Use): Choice {
  if (inside.length > 1) return several(owners, inside);
  const row = inside[0]!;
  if (use.handedUs !== 0 || before === -1 || owners.isSameProcess(before, row))
    return { kind: 'one', row, rule: 'acted-within' };
  // Who has called connect() and then sends is told to have called, at that time; that he has sent, with who comes next.
  // What he sent would be in a flow of its own, had anybody seen where it ends. If he began long before, it was.
  const began = use.firstUs - owners.facts.fromUs[before]! <= CLOCK_ERROR_US;
  const isShared = use.isStream && began && owners.facts.evidence[before] === OwnerEvidence.Transfer;
  if (isShared) return several(owners, [row, before]);
  if (use.isStream || !use.beganIt) return { kind: 'one', row, rule: 'acted-within' };
  // Whoever had a datagram socket when its first packet left has sent it, unless another is seen to have sent right
  // after it: he got it from a parent that called connect(), or the flow is the rest of one that changed hands.
  const { evidence, fromUs } = owners.facts;
  const lagUs = evidence[before] === OwnerEvidence.Called ? SEND_LAG_US : CLOCK_ERROR_US;
  const hasSent = evidence[row] === OwnerEvidence.Transfer && fromUs[row]! - use.firstUs <= lagUs;
  return hasSent ? { kind: 'one', row, rule: 'acted-within' } : several(owners, [row, before]);
}

/** Nobody acted within the flow: who did last before it, or who was seen first afterwards. */
function chooseBefore(owners: OwnerTable, before: number, later: number, use: Use): Choice {
  if (before === -1 && later === -1) return NONE;
  if (later === -1 || (before !== -1 && owners.isSameProcess(before, later))) return isLast(before);
  const { evidence, fromUs, flags } = owners.facts;
  if ((flags[later]! & SocketFlag.Shared) !== 0) return several(owners, [later, before]);
  if (before === -1) return isNext(later);
  const lagUs = fromUs[later]! - use.lastUs;
  if (evidence[before] === OwnerEvidence.Called) {
    return use.isStream || (lagUs <= SEND_LAG_US && !use.isCut) ? isNext(later) : isLast(before);
  }
  // A sender is told right after its packet, and what another sent before was cut off into a flow of its own.
  if (use.isHanded && !use.isCut && lagUs <= SEND_LAG_US) return isNext(later);
  const mayHaveReceived = !use.isStream && !use.beganIt && !use.isCut && lagUs <= RECEIVE_LAG_US;
  return mayHaveReceived ? several(owners, [before, later]) : isLast(before);
}

const isLast = (row: number): Choice => ({ kind: 'one', row, rule: 'acted-before' });
const isNext = (row: number): Choice => ({ kind: 'one', row, rule: 'acted-after' });

function several(owners: OwnerTable, rows: readonly number[]): Choice {
  const distinct: number[] = [];
  for (const row of rows) {
    if (row !== -1 && !distinct.some((one) => owners.isSameProcess(one, row))) distinct.push(row);
  }
  return { kind: 'several', rows: distinct };
}
