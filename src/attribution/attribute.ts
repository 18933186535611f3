import { CONFIDENCES, confidence, type Evidence, type Match, type Reason, type Rule } from '../core/attribution.ts';
import type { Process } from '../core/process.ts';
import { NO_UID, OwnerEvidence, SOURCES, SocketFlag, type Source, SourceCode } from '../core/socket.ts';
import type { Program } from '../core/tick.ts';
import { TICK_US, type Us } from '../core/time.ts';
import { KEY_WORDS, keyProtocol, Protocol } from '../core/tuple.ts';
import { type Choice, CLOCK_ERROR_US, chooseActor, type Use } from './choose-actor.ts';
import type { Facts } from './facts.ts';
import { findListener, findSocket } from './find-socket.ts';
import { type FlowEnd, gapUs, type SocketMatch } from './flow-end.ts';
import { addActors, addHolders, type Holding, Holdings, processOf } from './holdings.ts';
import { agreedProgram, programOf } from './process-table.ts';
import { socketOfSubflow } from './subflow.ts';
import { whyMissing, whyUnheld } from './why-unheld.ts';

export interface Answer {
  readonly process: Process | null;
  readonly program: Program | null; // known in part even where the process is not: the uid of a socket
  readonly socket: number; // row of the socket table, -1: none
  readonly holders: readonly Holding[]; // the one that is named first
  readonly evidence: Evidence | null;
  readonly reason: Reason | null; // null exactly when a process is named
  readonly rule: Rule | null; // by which process or reason were chosen; null: no socket was found
  readonly acted: number; // OwnerEvidence of those that were seen to send, receive or connect in the flow, else None
}

/**
 * Says which process owned `end`, and on what evidence.
 *
 * A look-up only: it reads tables and never scans, waits or guesses. An answer without a process is an
 * answer with a reason; the caller keeps the end and asks again when new facts arrive.
 */
export function attribute(end: FlowEnd, facts: Facts): Answer {
  const found = findSocket(end, facts.sockets) ?? byCookieAlone(end, facts);
  if (found === undefined) return unknown(whyMissing(end, facts));
  if (found.rows.length > 1) return answerOfHolders(found, end, facts);
  const row = found.rows[0] ?? -1;
  const cookie = row === -1 ? end.cookie : facts.sockets.facts.cookie[row]!;
  const choice = cookie === 0 ? NOBODY : chooseActor(facts.owners, cookie, useOf(end, row, facts));
  const used = choice.kind !== 'none' || row === -1 ? -1 : socketOfSubflow(row, facts);
  if (used !== -1) return answerOfSubflow({ ...found, rows: [used] }, used, end, facts);
  if (choice.kind === 'none' || isHearsay(choice, facts)) return answerOfHolders(found, end, facts);
  return answerOfActors(choice, { found, row, cookie }, end, facts);
}

function answerOfSubflow(found: SocketMatch, row: number, end: FlowEnd, facts: Facts): Answer {
  const cookie = facts.sockets.facts.cookie[row]!;
  const choice = chooseActor(facts.owners, cookie, useOf(end, row, facts));
  return choice.kind === 'none'
    ? answerOfHolders(found, end, facts)
    : answerOfActors(choice, { found, row, cookie }, end, facts);
}

const NOBODY: Choice = { kind: 'none' };

/** Without tracing nobody sees who uses a socket: who called connect() may have left it to a child. */
function isHearsay(choice: Choice, facts: Facts): boolean {
  if (choice.kind !== 'one') return false;
  const { source, evidence } = facts.owners.facts;
  const isSeen = source[choice.row] !== SourceCode.Cgroup || evidence[choice.row] === OwnerEvidence.Transfer;
  return !isSeen && processOf(choice.row, facts)?.forked === true;
}

/** The socket that kernel events named, of which nothing else is known any more. */
function byCookieAlone(end: FlowEnd, facts: Facts): SocketMatch | undefined {
  const isKnown = end.cookie !== 0 && !end.isMulticast && facts.owners.newest(end.cookie) !== -1;
  return isKnown && facts.sockets.firstOf(end.cookie) === -1 ? { match: 'cookie', rows: [] } : undefined;
}

/**
 * The first packet of a socket on its tuple is told right before or after it passes: it belongs to the flow. What was on
 * the tuple of a datagram socket before is not its own: an answer that came too late for the socket before it.
 */
function useOf(end: FlowEnd, row: number, facts: Facts): Use {
  const toldUs = row === -1 || !facts.sockets.isTold(row) ? 0 : facts.sockets.facts.fromUs[row]!;
  const lastUs = toldUs > end.lastUs && toldUs <= end.lastUs + CLOCK_ERROR_US ? toldUs : end.lastUs;
  const firstUs = isStream(end) || toldUs > lastUs ? end.firstUs : Math.max(end.firstUs, toldUs);
  const { beganIt, isCut, isHanded, handedUs, cutUs } = end;
  return { firstUs, lastUs, beganIt, isCut, isHanded, handedUs, cutUs, isStream: isStream(end) };
}

const isStream = (end: FlowEnd): boolean => keyProtocol(end.key, end.at) === Protocol.Tcp;

interface OneSocket {
  readonly found: SocketMatch;
  readonly row: number; // of the socket table, -1: none
  readonly cookie: number;
}

/** One process acted, or several of which each may have. */
function answerOfActors(
  choice: Exclude<Choice, { kind: 'none' }>,
  { found, row, cookie }: OneSocket,
  end: FlowEnd,
  facts: Facts,
): Answer {
  const rows = choice.kind === 'several' ? choice.rows : [choice.row];
  const { owners, sockets } = facts;
  const source = SOURCES[owners.facts.source[rows[0]!]!] ?? 'bpf';
  const gap = row === -1 ? 0 : Math.round(gapUs(end, sockets, row));
  const people = new Holdings();
  if (choice.kind !== 'kernel') for (const one of rows) addActor(people, one, end, facts);
  const candidates = people.list.map((holding) => holding.process);
  const [only] = candidates;
  addActors(people, cookie, isStream(end), end.lastUs, facts);
  if (row !== -1) addHolders(people, sockets.facts.inode[row]!, 'holder', end.firstUs, facts);
  const holders = people.list;
  const evidence: Evidence = { source, match: found.match, gapUs: gap, holders: holders.length };
  if (choice.kind === 'kernel' || only === undefined) {
    const reason = choice.kind === 'kernel' ? 'kernel' : 'closed-before-scan';
    const rule = choice.kind === 'kernel' ? 'kernel-socket' : 'nobody-known';
    return { process: null, program: uidOnly(facts, row), socket: row, holders, evidence, reason, rule, acted: 0 };
  }
  let acted: number = OwnerEvidence.Called;
  for (const one of rows) acted = Math.max(acted, owners.facts.evidence[one]!);
  if (choice.kind === 'one') {
    const { rule } = choice;
    return { process: only, program: programOf(only), socket: row, holders, evidence, reason: null, rule, acted };
  }
  const program = agreedProgram(candidates);
  return { process: null, program, socket: row, holders, evidence, reason: 'ambiguous', rule: 'took-turns', acted };
}

/** From its act to that of the next process, or to the end of the flow. */
function addActor(into: Holdings, row: number, end: FlowEnd, facts: Facts): void {
  const process = processOf(row, facts);
  if (process === undefined) return;
  const { owners } = facts;
  const { newer, fromUs } = owners.facts;
  let next = newer[row]!;
  while (next !== -1 && owners.isSameProcess(next, row)) next = newer[next]!;
  const fromTurnUs = fromUs[row]!;
  into.add(process, 'actor', fromTurnUs, Math.max(fromTurnUs, next === -1 ? end.lastUs : fromUs[next]!));
}

/** Nobody was seen acting: whoever has the socket open, if that is one process. */
function answerOfHolders(found: SocketMatch, end: FlowEnd, facts: Facts): Answer {
  const { rows, match } = found;
  const holdings = new Holdings();
  const role = match === 'listener' ? 'listener' : 'holder';
  let isPartial = false; // some of the packets are of somebody who is not known
  for (const row of rows) {
    if (rows.length > 1 && addActing(holdings, row, end, facts)) continue;
    const isHeld = addHolders(holdings, facts.sockets.facts.inode[row]!, role, end.firstUs, facts);
    isPartial ||= found.inTurn === true && !isHeld;
  }
  const socket = rows.length === 1 ? rows[0]! : -1;
  const row = rows[0] ?? -1;
  const holders = holdings.list;
  if (holders.length === 0) return answerOfWitness(found, row, end, facts);
  const evidence: Evidence = {
    source: sourceOf(facts, row),
    match,
    gapUs: Math.round(Math.max(holderGapUs(rows, end, facts), ...rows.map((one) => gapUs(end, facts.sockets, one)))),
    holders: holders.length,
  };
  const only = holders.length === 1 ? holders[0]!.process : undefined;
  if (only !== undefined && !isPartial && mayBeNamed(match, only) && livedThen(only, end)) {
    const rule = found.inTurn ? 'sockets-in-turn' : match === 'listener' ? 'listener-holder' : 'only-holder';
    return { process: only, program: programOf(only), socket, holders, evidence, reason: null, rule, acted: 0 };
  }
  const program = agreedProgram(holders.map((holding) => holding.process));
  const rule = found.inTurn ? 'sockets-in-turn' : whyNoHolder(match, isPartial ? undefined : only);
  return { process: null, program, socket, holders, evidence, reason: 'ambiguous', rule, acted: 0 };
}

function whyNoHolder(match: Match, only: Process | undefined): Rule {
  if (only === undefined) return 'several-holders';
  return mayBeNamed(match, only) ? 'born-later' : 'listener-forked';
}

/** Of sockets that share a port or a group, those that act are known. @returns whether there were any */
function addActing(into: Holdings, row: number, end: FlowEnd, facts: Facts): boolean {
  const cookie = facts.sockets.facts.cookie[row]!;
  const choice = cookie === 0 ? NOBODY : chooseActor(facts.owners, cookie, useOf(end, row, facts));
  if (choice.kind === 'none' || choice.kind === 'kernel' || isHearsay(choice, facts)) return false;
  for (const one of choice.kind === 'one' ? [choice.row] : choice.rows) addActor(into, one, end, facts);
  return true;
}

/** Who created the socket, or changed its state, when nothing better is known; else the listener that it came from. */
function answerOfWitness(found: SocketMatch, row: number, end: FlowEnd, facts: Facts): Answer {
  const witness = row === -1 || found.rows.length > 1 ? -1 : witnessOf(facts.sockets.facts.cookie[row]!, facts);
  const process = witness === -1 ? undefined : processOf(witness, facts);
  const evidence: Evidence = {
    source: sourceOf(facts, row),
    match: found.match,
    gapUs: row === -1 ? 0 : Math.round(gapUs(end, facts.sockets, row)),
    holders: 0,
  };
  if (process !== undefined && !process.forked) {
    const { fromUs, evidence: how } = facts.owners.facts;
    const atUs = fromUs[witness]!;
    const role = how[witness] === OwnerEvidence.Created ? 'creator' : 'holder';
    const holders: readonly Holding[] = [{ process, role, fromUs: atUs, toUs: Math.max(atUs, end.lastUs) }];
    const gap = Math.max(1, evidence.gapUs, end.firstUs - atUs, atUs - end.lastUs); // it may have been another's by then
    const weak = { ...evidence, gapUs: Math.round(gap), holders: 1 };
    const program = programOf(process);
    return { process, program, socket: row, holders, evidence: weak, reason: null, rule: 'witness', acted: 0 };
  }
  const listener = mayComeFromListener(row, end, facts) ? findListener(end, end.key, facts.sockets) : undefined;
  if (listener !== undefined) return answerOfHolders(listener, end, facts);
  const socket = found.rows.length === 1 ? row : -1;
  if (row === -1) return { ...unknown('closed-before-scan'), evidence, rule: 'nobody-known' };
  return { ...unknown(whyUnheld(row, facts)), rule: 'nobody-known', program: uidOnly(facts, row), socket, evidence };
}

/** Newest row that tells of a process which only created the socket, had it open, or closed it; -1: none. */
function witnessOf(cookie: number, { owners }: Facts): number {
  const { evidence, flags } = owners.facts;
  let best = -1;
  for (let row = owners.newest(cookie); row !== -1; row = owners.older(row)) {
    if ((flags[row]! & SocketFlag.Shared) !== 0) return -1;
    if (best === -1 || evidence[row]! > evidence[best]!) best = row;
  }
  return best;
}

/** Its acceptor is not known: the cgroup programs see no accept(), and who hears of a socket's end sees nobody. */
function mayComeFromListener(row: number, end: FlowEnd, { sockets }: Facts): boolean {
  if (row === -1 || end.beganIt) return false;
  if (sockets.facts.source[row] !== SourceCode.Cgroup && !sockets.isKnownByEnd(row)) return false;
  return keyProtocol(sockets.facts.key, row * KEY_WORDS) === Protocol.Tcp;
}

/** Whoever accepted on a listener may be a child that is gone already: its holder is named only if it never forked. */
function mayBeNamed(match: Match, holder: Process): boolean {
  return match !== 'listener' || !holder.forked;
}

/**
 * Whoever was born after the first datagram has taken the port over from somebody. (A connection may be that of the
 * child which was forked for it.)
 */
function livedThen(process: Process, end: FlowEnd): boolean {
  return isStream(end) || process.startTicks * TICK_US <= end.firstUs + TICK_US;
}

/** A process seen to hold the socket only after the flow ended is weaker evidence than one seen meanwhile. */
function holderGapUs(rows: readonly number[], end: FlowEnd, facts: Facts): Us {
  if (!end.ended) return 0;
  let firstSeenUs = Infinity;
  for (const row of rows) {
    const inode = facts.sockets.facts.inode[row]!;
    if (inode === 0) continue;
    for (const holder of facts.holders.of(inode, end.firstUs)) {
      firstSeenUs = Math.min(firstSeenUs, facts.holders.facts.fromUs[holder]!);
    }
  }
  return firstSeenUs === Infinity ? 0 : Math.max(0, firstSeenUs - end.lastUs);
}

function uidOnly(facts: Facts, row: number): Program | null {
  const uid = row === -1 ? NO_UID : facts.sockets.facts.uid[row]!;
  return uid === NO_UID ? null : { exe: null, unit: null, container: null, uid };
}

function sourceOf(facts: Facts, row: number): Source {
  return (row === -1 ? 'bpf' : SOURCES[facts.sockets.facts.source[row]!]) ?? 'proc';
}

export function unknown(reason: Reason): Answer {
  return { process: null, program: null, socket: -1, holders: [], evidence: null, reason, rule: null, acted: 0 };
}

/** Of an end that nobody looked up: nothing is known, and there is no reason why. */
export const NOT_ASKED: Answer = { ...unknown('no-socket'), reason: null };

/** Strength of an answer; a later one replaces an earlier one only when its rank is higher. */
export function rank(answer: Answer): number {
  const step = CONFIDENCES.indexOf(confidence(answer.evidence, answer.reason, answer.process !== null));
  const settled = answer.reason !== 'no-socket' && answer.reason !== 'closed-before-scan'; // others outlast waiting
  const acted = answer.acted === OwnerEvidence.Transfer ? 2 : answer.acted === OwnerEvidence.Called ? 1 : 0;
  const known = (answer.program !== null ? 4 : 0) + (answer.evidence !== null ? 2 : 0) + (settled ? 1 : 0);
  return step * STEP + acted * 8 + known;
}

/** Whether it takes a name back: another process acted, or has the socket too, or another socket was there meanwhile. */
export function isRefutation({ reason, acted, holders, rule }: Answer, knownHolders: number): boolean {
  return reason === 'ambiguous' && (acted > 0 || holders.length > knownHolders || rule === 'sockets-in-turn');
}

const STEP = 32;
/** Whether an answer of that rank knows the socket and no process that held it. */
export const isUnheld = (rank: number): boolean => rank < CONFIDENCES.indexOf('ambiguous') * STEP && (rank & 2) !== 0;
/** Whether the process of an answer of that rank was seen to send or receive, or several were. */
export const isActing = (rank: number): boolean => (rank & 16) !== 0;
export const EXACT_RANK = CONFIDENCES.indexOf('exact') * STEP;
