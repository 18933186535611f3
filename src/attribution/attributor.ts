import { FlowSide } from '../core/attribution.ts';
import { type FlowColumns, FlowEnd, FlowFlag } from '../core/flow.ts';
import type { HolderColumns, Process } from '../core/process.ts';
import type { ClosedColumns, OwnerColumns, SocketColumns } from '../core/socket.ts';
import { SECOND_US, type Us } from '../core/time.ts';
import { K_FIRST, KEY_WORDS, keyFirstPort, keyProtocol, reverseKey } from '../core/tuple.ts';
import { type Answer, attribute, EXACT_RANK, isActing, isRefutation, isUnheld, rank, unknown } from './attribute.ts';
import { type EndPlace, placeOf } from './end-place.ts';
import type { Interval, ScanState } from './facts.ts';
import { forgetSockets, KEEP_CLOSED_DATAGRAM_US, KEEP_CLOSED_US } from './forget-sockets.ts';
import { HolderTable } from './holder-table.ts';
import { LocalAddresses } from './local-addresses.ts';
import { OwnerTable } from './owner-table.ts';
import { PendingEnds, Standing } from './pending-ends.ts';
import { ProcessTable } from './process-table.ts';
import { SocketTable } from './socket-table.ts';

/** How long an ended flow without a proven owner is asked again, and how many of them at most. */
const GIVE_UP_US = 120 * SECOND_US;
const MOST_ENDED = 131_072;
/** The same for ends that most probably are other hosts'. */
const GIVE_UP_FOREIGN_US = 10 * SECOND_US;
/** Facts of a flow that come so long after its end come no more: its owner is final. */
const LATE_US = SECOND_US;
/** Scans that begin this long after the end of a flow have nothing new to say about its socket. */
const SETTLED_US = 10 * SECOND_US;
/** Facts are kept a little longer than any flow that may ask for them. */
const KEEP_FACTS_US = 150 * SECOND_US;
/** Intervals of lost facts that are remembered apart; beyond, the oldest two become one. */
const MOST_LOST = 64;

/** Facts of one moment, as the observer sends them. */
export interface LearnedFacts {
  readonly atUs: Us; // CLOCK_BOOTTIME
  readonly sockets: SocketColumns;
  readonly owners?: OwnerColumns; // from the kernel's own events; who sends them tells of every namespace
  readonly closed?: ClosedColumns;
  readonly holders: HolderColumns;
  readonly processes: readonly Process[]; // at least those of the holders and owners, once and when they change
  readonly scan: {
    readonly startedUs: Us;
    readonly isSnapshot?: boolean; // ScanState
    readonly deniedUids: Iterable<number>;
    readonly partlyDeniedUids: Iterable<number>;
  } | null;
  readonly addresses: {
    readonly netns?: number; // inode; absent or 0: that of the recorder
    readonly unicast: readonly Int32Array[];
    readonly broadcast: readonly Int32Array[];
  } | null;
  readonly lost?: Interval | null; // facts of this time did not arrive
}

export type OnAnswer = (serial: number, side: number, answer: Answer) => void;

/** Joins flows with facts: keeps the tables, the ends that wait, and reports every answer that is new or stronger. */
export class Attributor {
  readonly sockets = new SocketTable();
  readonly owners = new OwnerTable();
  readonly holders = new HolderTable();
  readonly processes = new ProcessTable();
  readonly pending = new PendingEnds();
  readonly addresses: LocalAddresses;
  readonly keepLeastUs: Us; // facts of any closed socket are kept so long,
  readonly #keepClosedUs: Us; // and so long at most
  #scan: ScanState = { startedUs: 0, isSnapshot: false, deniedUids: new Set(), partlyDeniedUids: new Set() };
  #lost: readonly Interval[] = [];
  #holdersSeen = false; // since the last answer(): sockets without a holder may have one, or a reason why not
  #everyNetns: boolean; // the kernel tells of sockets in all namespaces
  #factsUs: Us = 0; // latest time of facts
  readonly #key = new Int32Array(KEY_WORDS);
  readonly #nat = new Int32Array(KEY_WORDS);

  /**
   * @param ownNetns inode of the recorder's namespace; 0: all flows are of one namespace, as those of a file are
   * @param everyNetns the kernel will tell of sockets in all namespaces: on a busy host the first flows come before the
   *   first fact that shows it
   * @param keepClosedUs how long facts of closed sockets are kept at most
   */
  constructor(ownNetns = 0, everyNetns = false, keepClosedUs = KEEP_CLOSED_US) {
    this.#keepClosedUs = keepClosedUs;
    this.keepLeastUs = Math.min(keepClosedUs, KEEP_CLOSED_DATAGRAM_US);
    this.#everyNetns = everyNetns;
    this.addresses = new LocalAddresses(ownNetns);
  }

  get scan(): ScanState {
    return this.#scan;
  }

  get lost(): readonly Interval[] {
    return this.#lost;
  }

  /** Takes what observers learned; all parts were true at `atUs`. */
  observe(facts: LearnedFacts): void {
    const { addresses, owners, closed, lost } = facts;
    this.#factsUs = Math.max(this.#factsUs, facts.atUs);
    if (addresses !== null) this.addresses.replace(addresses.unicast, addresses.broadcast, addresses.netns);
    for (const process of facts.processes) this.processes.observe(process, facts.atUs);
    this.sockets.observe(facts.sockets, (row) => this.#touch(row));
    if (owners !== undefined) this.#observeOwners(owners);
    if (closed !== undefined) this.sockets.close(closed, (row) => this.#touch(row));
    this.holders.observe(facts.holders, (inode) => {
      for (const row of this.sockets.withInode(inode)) this.#touch(row);
    });
    this.#holdersSeen ||= facts.holders.count > 0 || facts.scan !== null;
    if (lost !== undefined && lost !== null) this.#lose(lost);
    if (facts.scan === null) return;
    const { startedUs, deniedUids, partlyDeniedUids, isSnapshot = false } = facts.scan;
    const denied = { deniedUids: new Set(deniedUids), partlyDeniedUids: new Set(partlyDeniedUids) };
    this.#scan = { startedUs, isSnapshot, ...denied };
  }

  /** Takes flows of a drain: ends of new ones wait for an owner, the others' intervals grow. */
  addFlows(flows: FlowColumns, onAnswer: OnAnswer): void {
    for (let i = 0; i < flows.count; i++) {
      if ((flows.flags[i]! & FlowFlag.New) !== 0) this.#addEnds(flows, i, onAnswer);
      else this.#extendEnds(flows, i);
    }
  }

  /**
   * Asks for every end that new facts could name, or could take a name from: while a flow lives, others may share its
   * socket. At most `most` of them; @returns whether some still wait
   */
  answer(onAnswer: OnAnswer, most = Infinity): boolean {
    if (this.#holdersSeen) this.pending.touchRanked(isUnheld, this.#scan.startedUs - SETTLED_US);
    this.#holdersSeen = false;
    for (const row of this.pending.takeDirty(most)) this.#ask(row, onAnswer);
    return this.pending.dirty > 0;
  }

  /** Drops what can name nothing any more. */
  forget(nowUs: Us, onForget: (socketRow: number) => void): void {
    for (const _ of this.forgetStepwise(nowUs, onForget)) void _;
  }

  /** The same, with a yield now and then. */
  *forgetStepwise(nowUs: Us, onForget: (socketRow: number) => void): Generator<void> {
    const keepUs = nowUs - KEEP_FACTS_US;
    const { rank: ranks, lastUs, standing } = this.pending.rows;
    const isOver = (row: number): boolean => {
      const isForeign = standing[row] !== Standing.Local;
      const patienceUs = ranks[row]! > EXACT_RANK ? LATE_US : isForeign ? GIVE_UP_FOREIGN_US : GIVE_UP_US;
      return lastUs[row]! < nowUs - patienceUs;
    };
    this.pending.giveUp(isOver, MOST_ENDED);
    const keepClosedUs = nowUs - this.#keepClosedUs;
    yield* forgetSockets(this, nowUs, keepUs, this.#keepClosedUs, onForget);
    this.owners.forget(keepClosedUs, (cookie) => this.sockets.firstOf(cookie) !== -1);
    this.holders.forget(keepUs);
    const pids = new Set<number>();
    this.owners.collectPids(pids);
    this.holders.collectPids(pids);
    this.processes.forget(keepClosedUs, (process) => pids.has(process.pid));
    this.addresses.forget(keepUs);
    this.#lost = this.#lost.filter(({ toUs }) => toUs >= keepUs);
  }

  #ask(row: number, onAnswer: OnAnswer): void {
    const { pending } = this;
    const { rows } = pending;
    const end = pending.view(row);
    const answer = attribute(end, this);
    const cookie = answer.socket === -1 ? end.cookie : this.sockets.facts.cookie[answer.socket]!;
    pending.setSocket(row, cookie);
    if (answer.socket !== -1) this.sockets.use(answer.socket, end.lastUs);
    if (end.isForeign && !this.#isWorthTelling(answer, row)) return;
    const strength = rank(answer) + 1; // 0: nothing was said yet
    const changed = strength !== rows.rank[row] || answer.holders.length !== rows.holders[row];
    const refuted = isRefutation(answer, rows.holders[row]!);
    if (strength > rows.rank[row]! || (refuted && changed)) {
      rows.rank[row] = strength;
      rows.holders[row] = answer.holders.length;
      onAnswer(rows.serial[row]!, rows.side[row]!, answer);
      if (end.isForeign) this.#correctPeer(row, onAnswer);
    }
    if (strength > EXACT_RANK && end.ended && this.#isFinal(strength - 1, end.lastUs)) pending.settle(row);
  }

  /** What the kernel tells of a flow has come by the time of later facts, all of it or what proves the owner. */
  #isFinal(known: number, lastUs: Us): boolean {
    return !this.#everyNetns || isActing(known) || this.#factsUs >= lastUs + LATE_US;
  }

  /** Something was said of that end already; a socket that is known to have it says more. */
  #isWorthTelling(answer: Answer, row: number): boolean {
    const { standing, firstUs } = this.pending.rows;
    if (standing[row] !== Standing.Kernel) return answer.evidence !== null;
    // A raw socket that only receives is told of after a packet came, one that sends before its own leaves.
    if (answer.process === null || answer.acted === 0 || answer.socket === -1) return false;
    return this.sockets.facts.fromUs[answer.socket]! <= firstUs[row]!;
  }

  /** An end of a flow that seemed to be between two other hosts is ours: then the other one is not local, no more. */
  #correctPeer(row: number, onAnswer: OnAnswer): void {
    const { rows } = this.pending;
    for (let peer = this.pending.firstOf(rows.serial[row]!); peer !== -1; peer = this.pending.nextOf(peer)) {
      if (peer === row || rows.standing[peer] !== Standing.Forwarded) continue;
      rows.standing[peer] = Standing.NotLocal;
      if (rows.rank[peer] === TOLD_RANK) onAnswer(rows.serial[peer]!, rows.side[peer]!, unknown('not-local'));
    }
  }

  #observeOwners(owners: OwnerColumns): void {
    this.#everyNetns ||= owners.count > 0;
    this.owners.observe(owners, (cookie, fromUs) => {
      this.pending.touchSocket(cookie, fromUs - LATE_US, (known) => !isActing(known));
    });
  }

  #lose(lost: Interval): void {
    const [first, second, ...rest] = this.#lost;
    const isFull = first !== undefined && second !== undefined && this.#lost.length >= MOST_LOST;
    const kept = isFull ? [{ fromUs: first.fromUs, toUs: second.toUs }, ...rest] : this.#lost;
    this.#lost = [...kept, lost];
    this.pending.touchRanked((known) => known === MISSING_RANK, lost.fromUs);
  }

  #extendEnds(flows: FlowColumns, i: number): void {
    const extension = {
      lastUs: flows.lastBootUs[i]!,
      ended: (flows.flags[i]! & FlowFlag.Ended) !== 0,
      isRefused: (flows.flags[i]! & FlowFlag.Refused) !== 0,
      isCut: flows.endReason[i] === FlowEnd.Forced,
      cutUs: [cutUsOf(flows, i, FlowSide.Src), cutUsOf(flows, i, FlowSide.Dst)] as const,
    };
    const { side } = this.pending.rows;
    for (let row = this.pending.firstOf(flows.serial[i]!); row !== -1; row = this.pending.nextOf(row)) {
      this.pending.extend(row, extension, side[row] === FlowSide.Src ? flows.srcCookie[i]! : flows.dstCookie[i]!);
    }
  }

  #addEnds(flows: FlowColumns, i: number, onAnswer: OnAnswer): void {
    const at = i * KEY_WORDS;
    for (const side of [FlowSide.Src, FlowSide.Dst]) {
      this.#setKeys(flows, at, side);
      const place = placeOf(this.addresses, flows.netns[i]!, this.#key, side);
      if (place.reason !== null) onAnswer(flows.serial[i]!, side, unknown(place.reason));
      if (place.reason === null || (this.#everyNetns && !place.isSettled)) this.#wait(flows, i, side, place);
    }
  }

  /** Both tuples with that end first. */
  #setKeys(flows: FlowColumns, at: number, side: number): void {
    const turn = (from: Int32Array, to: Int32Array): void => {
      if (side === FlowSide.Dst) reverseKey(from, at, to, 0);
      else for (let w = 0; w < KEY_WORDS; w++) to[w] = from[at + w]!;
    };
    turn(flows.key, this.#key);
    turn(flows.natKey, this.#nat);
  }

  #wait(flows: FlowColumns, i: number, side: number, { standing, isMulticast }: EndPlace): void {
    const end = {
      key: this.#key,
      nat: this.#nat,
      at: 0,
      firstUs: flows.firstBootUs[i]!,
      lastUs: flows.lastBootUs[i]!,
      ended: (flows.flags[i]! & FlowFlag.Ended) !== 0,
      beganIt: side === FlowSide.Src,
      isRefused: (flows.flags[i]! & FlowFlag.Refused) !== 0,
      isCut: flows.endReason[i] === FlowEnd.Forced,
      isHanded: flows.handedUs[i] !== 0,
      handedUs: handedUsOf(flows, i, side),
      cutUs: cutUsOf(flows, i, side),
      ifindex: flows.ifindex[i]!,
      netns: flows.netns[i]!,
      cookie: side === FlowSide.Src ? flows.srcCookie[i]! : flows.dstCookie[i]!,
      isMulticast,
      isForeign: standing !== Standing.Local,
    };
    this.pending.add(flows.serial[i]!, side, end, standing, standing === Standing.Local ? 0 : TOLD_RANK);
  }

  #touch(row: number): void {
    const { key, netns, toUs } = this.sockets.facts;
    const at = row * KEY_WORDS;
    if (this.sockets.isTold(row)) this.addresses.learn(netns[row]!, key, at + K_FIRST, toUs[row]!);
    if (this.sockets.hasNoRemote(row)) this.pending.touchPort(keyProtocol(key, at), keyFirstPort(key, at));
    else this.pending.touchTuple(key, at);
  }
}

/** Rank, plus 1, of an end of which only a reason was told; that of a socket that was never seen. */
const TOLD_RANK = rank(unknown('not-local')) + 1;
const MISSING_RANK = rank(unknown('no-socket'));

function handedUsOf(flows: FlowColumns, i: number, side: number): Us {
  const handedSide = (flows.flags[i]! & FlowFlag.HandedDst) === 0 ? FlowSide.Src : FlowSide.Dst;
  return side === handedSide ? flows.handedUs[i]! : 0;
}

function cutUsOf(flows: FlowColumns, i: number, side: number): Us {
  const cutSide = (flows.flags[i]! & FlowFlag.CutDst) === 0 ? FlowSide.Src : FlowSide.Dst;
  return side === cutSide && flows.cutUs[i] !== 0 ? flows.cutUs[i]! : Infinity;
}
