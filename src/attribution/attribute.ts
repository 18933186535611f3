import { CONFIDENCES, confidence, type Evidence, type Match, type Reason } from '../core/attribution.ts';
import type { Process } from '../core/process.ts';
import { NO_UID, SOURCES, SocketState, type Source } from '../core/socket.ts';
import type { Program } from '../core/tick.ts';
import type { Us } from '../core/time.ts';
import { type FlowEnd, findSocket, gapUs } from './find-socket.ts';
import type { HolderTable } from './holder-table.ts';
import { agreedProgram, type ProcessTable, programOf } from './process-table.ts';
import { isClosing, type SocketTable } from './socket-table.ts';

/** What the last complete scan of /proc/PID/fd could say. */
export interface ScanState {
  startedUs: Us; // CLOCK_BOOTTIME; 0: none yet
  deniedUids: ReadonlySet<number>; // users none of whose processes' descriptors may be read
  partlyDeniedUids: ReadonlySet<number>; // users some of whose processes may not be read
}

/** The tables that observers keep fresh. */
export interface Facts {
  readonly sockets: SocketTable;
  readonly holders: HolderTable;
  readonly processes: ProcessTable;
  readonly scan: ScanState;
}

export interface Answer {
  readonly process: Process | null;
  readonly program: Program | null; // known in part even where the process is not: the uid of a socket
  readonly socket: number; // row of the socket table, -1: none
  readonly holders: readonly Process[];
  readonly evidence: Evidence | null;
  readonly reason: Reason | null; // null exactly when a process is named
}

/**
 * Says which process owned `end`, and on what evidence.
 *
 * A look-up only: it reads tables and never scans, waits or guesses. An answer without a process is an
 * answer with a reason; the caller keeps the end and asks again when new facts arrive.
 */
export function attribute(end: FlowEnd, facts: Facts): Answer {
  const found = findSocket(end, facts.sockets);
  if (found === undefined) return unknown('no-socket');
  const holders = holdersOf(found.rows, end, facts);
  const socket = found.rows.length === 1 ? found.rows[0]! : -1;
  const row = found.rows[0]!;
  const evidence: Evidence = {
    source: sourceOf(facts, row),
    match: found.match,
    gapUs: Math.round(
      Math.max(holderGapUs(found.rows, end, facts), ...found.rows.map((r) => gapUs(end, facts.sockets, r))),
    ),
    holders: holders.length,
  };
  if (holders.length === 0)
    return { ...unknown(whyUnheld(row, facts)), program: uidOnly(facts, row), socket, evidence };
  const [only] = holders;
  if (holders.length === 1 && only !== undefined && mayBeNamed(found.match, only)) {
    return { process: only, program: programOf(only), socket, holders, evidence, reason: null };
  }
  return { process: null, program: agreedProgram(holders), socket, holders, evidence, reason: 'ambiguous' };
}

/** Whoever accepted on a listener may be a child that is gone already: its holder is named only if it never forked. */
function mayBeNamed(match: Match, holder: Process): boolean {
  return match !== 'listener' || !holder.forked;
}

function holdersOf(rows: readonly number[], end: FlowEnd, facts: Facts): readonly Process[] {
  const found = new Map<Process, true>();
  for (const row of rows) {
    const inode = facts.sockets.facts.inode[row]!;
    if (inode === 0) continue;
    for (const holder of facts.holders.of(inode, end.firstUs)) {
      const { pid, startTicks } = facts.holders.facts;
      const known = facts.processes.get(pid[holder]!, startTicks[holder]!);
      if (known !== undefined) found.set(known.process, true);
    }
  }
  return [...found.keys()];
}

/** A process seen to hold the socket only after the flow ended is weaker evidence than one seen meanwhile. */
function holderGapUs(rows: readonly number[], end: FlowEnd, facts: Facts): Us {
  let firstSeenUs = Infinity;
  for (const row of rows) {
    const inode = facts.sockets.facts.inode[row]!;
    for (const holder of facts.holders.of(inode, end.firstUs)) {
      firstSeenUs = Math.min(firstSeenUs, facts.holders.facts.fromUs[holder]!);
    }
  }
  return end.ended && firstSeenUs !== Infinity ? Math.max(0, firstSeenUs - end.lastUs) : 0;
}

function whyUnheld(row: number, facts: Facts): Reason {
  const { uid, toUs, fromUs, inode, state } = facts.sockets.facts;
  const { startedUs, deniedUids, partlyDeniedUids } = facts.scan;
  if (startedUs <= fromUs[row]! || inode[row] === 0) return 'closed-before-scan';
  if (deniedUids.has(uid[row]!)) return 'no-permission';
  // Still open after a scan that found no descriptor of it: hidden from us, or the kernel's own. An orphan or TIME_WAIT
  // is seen for a while after its process has closed it; in CLOSE_WAIT a process still has it.
  const isClosed = isClosing(state[row]!) && state[row] !== SocketState.CloseWait;
  if (toUs[row]! <= startedUs || isClosed) return 'closed-before-scan';
  if (partlyDeniedUids.has(uid[row]!)) return 'no-permission';
  return deniedUids.size + partlyDeniedUids.size === 0 ? 'kernel' : 'closed-before-scan';
}

function uidOnly(facts: Facts, row: number): Program | null {
  const uid = facts.sockets.facts.uid[row]!;
  return uid === NO_UID ? null : { exe: null, unit: null, container: null, uid };
}

function sourceOf(facts: Facts, row: number): Source {
  return SOURCES[facts.sockets.facts.source[row]!] ?? 'proc';
}

export function unknown(reason: Reason): Answer {
  return { process: null, program: null, socket: -1, holders: [], evidence: null, reason };
}

/** Strength of an answer; a later one replaces an earlier one only when its rank is higher. */
export function rank(answer: Answer): number {
  const step = CONFIDENCES.indexOf(confidence(answer.evidence, answer.reason, answer.process !== null));
  const settled = answer.reason !== 'no-socket' && answer.reason !== 'closed-before-scan'; // others outlast waiting
  return step * 8 + (answer.program !== null ? 4 : 0) + (answer.evidence !== null ? 2 : 0) + (settled ? 1 : 0);
}

/** Whether an answer of that rank knows the socket and no process that held it. */
export const isUnheld = (rank: number): boolean => rank < CONFIDENCES.indexOf('ambiguous') * 8 && (rank & 2) !== 0;
export const EXACT_RANK = CONFIDENCES.indexOf('exact') * 8;
