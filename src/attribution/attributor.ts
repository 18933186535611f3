import type { Reason } from '../core/attribution.ts';
import { FlowSide } from '../core/attribution.ts';
import { type FlowColumns, FlowFlag } from '../core/flow.ts';
import type { HolderColumns, Process } from '../core/process.ts';
import type { SocketColumns } from '../core/socket.ts';
import { SECOND_US, type Us } from '../core/time.ts';
import { K_FIRST, KEY_WORDS, keyFirstPort, keyProtocol, keySecondPort, Protocol, reverseKey } from '../core/tuple.ts';
import { type Answer, attribute, EXACT_RANK, isUnheld, rank, type ScanState, unknown } from './attribute.ts';
import { HolderTable } from './holder-table.ts';
import { LocalAddresses } from './local-addresses.ts';
import { PendingEnds } from './pending-ends.ts';
import { ProcessTable } from './process-table.ts';
import { SocketTable } from './socket-table.ts';

/** How long an ended flow without a proven owner is asked again, and how many of them at most. */
const GIVE_UP_US = 120 * SECOND_US;
const MOST_ENDED = 131_072;
/** Scans that begin this long after the end of a flow have nothing new to say about its socket. */
const SETTLED_US = 10 * SECOND_US;
/** Facts are kept a little longer than any flow that may ask for them. */
const KEEP_FACTS_US = 150 * SECOND_US;

/** Facts of one moment, as the observer sends them. */
export interface LearnedFacts {
  readonly atUs: Us; // CLOCK_BOOTTIME
  readonly sockets: SocketColumns;
  readonly holders: HolderColumns;
  readonly processes: readonly Process[]; // at least those of the holders
  readonly scan: {
    readonly startedUs: Us;
    readonly deniedUids: Iterable<number>;
    readonly partlyDeniedUids: Iterable<number>;
  } | null;
  readonly addresses: { readonly unicast: readonly Int32Array[]; readonly broadcast: readonly Int32Array[] } | null;
}

export type OnAnswer = (serial: number, side: number, answer: Answer) => void;

/** Joins flows with facts: keeps the tables, the ends that wait, and reports every answer that is new or stronger. */
export class Attributor {
  readonly sockets = new SocketTable();
  readonly holders = new HolderTable();
  readonly processes = new ProcessTable();
  readonly addresses = new LocalAddresses();
  readonly pending = new PendingEnds();
  #scan: ScanState = { startedUs: 0, deniedUids: new Set(), partlyDeniedUids: new Set() };
  #holdersSeen = false; // since the last answer(): sockets without a holder may have one, or a reason why not
  readonly #key = new Int32Array(KEY_WORDS);

  get scan(): ScanState {
    return this.#scan;
  }

  /** Takes what observers learned; all parts were true at `atUs`. */
  observe(facts: LearnedFacts): void {
    if (facts.addresses !== null) this.addresses.replace(facts.addresses.unicast, facts.addresses.broadcast);
    for (const process of facts.processes) this.processes.observe(process, facts.atUs);
    this.sockets.observe(facts.sockets, (row) => this.#touch(row));
    this.holders.observe(facts.holders, (inode) => {
      for (const row of this.sockets.withInode(inode)) this.#touch(row);
    });
    this.#holdersSeen ||= facts.holders.count > 0 || facts.scan !== null;
    if (facts.scan === null) return;
    const { startedUs, deniedUids, partlyDeniedUids } = facts.scan;
    this.#scan = { startedUs, deniedUids: new Set(deniedUids), partlyDeniedUids: new Set(partlyDeniedUids) };
  }

  /** Takes flows of a drain: ends of new ones wait for an owner, the others' intervals grow. */
  addFlows(flows: FlowColumns, onAnswer: OnAnswer): void {
    for (let i = 0; i < flows.count; i++) {
      const ended = (flows.flags[i]! & FlowFlag.Ended) !== 0;
      if ((flows.flags[i]! & FlowFlag.New) === 0) this.pending.extend(flows.serial[i]!, flows.lastBootUs[i]!, ended);
      else this.#addEnds(flows, i, ended, onAnswer);
    }
  }

  /**
   * Asks for every end that new facts could name, or could take a name from: while a flow lives, others may share its
   * socket. At most `most` of them; @returns whether some still wait
   */
  answer(onAnswer: OnAnswer, most = Infinity): boolean {
    const { rows } = this.pending;
    if (this.#holdersSeen) this.pending.touchRanked(isUnheld, this.#scan.startedUs - SETTLED_US);
    this.#holdersSeen = false;
    for (const row of this.pending.takeDirty(most)) {
      const answer = attribute(this.pending.view(row), this);
      const strength = rank(answer) + 1; // 0: nothing was said yet
      const refuted = answer.reason === 'ambiguous' && answer.holders.length > rows.holders[row]!;
      if (strength > rows.rank[row]! || refuted) {
        rows.rank[row] = strength;
        rows.holders[row] = answer.holders.length;
        onAnswer(rows.serial[row]!, rows.side[row]!, answer);
      }
      if (strength > EXACT_RANK && rows.ended[row] === 1) this.pending.settle(row);
    }
    return this.pending.dirty > 0;
  }

  /** Drops what can name nothing any more. */
  forget(nowUs: Us, onForget: (socketRow: number) => void): void {
    this.pending.giveUp(nowUs - GIVE_UP_US, MOST_ENDED);
    this.sockets.forget(nowUs - KEEP_FACTS_US, onForget);
    this.holders.forget(nowUs - KEEP_FACTS_US);
    this.processes.forget(nowUs - KEEP_FACTS_US);
  }

  #addEnds(flows: FlowColumns, i: number, ended: boolean, onAnswer: OnAnswer): void {
    const at = i * KEY_WORDS;
    const serial = flows.serial[i]!;
    const src = this.addresses.classify(flows.key, at + K_FIRST);
    const dst = this.addresses.classify(flows.key, at + K_FIRST + 4);
    const anyLocal = src === 'local' || dst !== 'remote';
    for (const side of [FlowSide.Src, FlowSide.Dst]) {
      const locality = side === FlowSide.Src ? src : dst;
      if (locality === 'remote') onAnswer(serial, side, unknown(anyLocal ? 'not-local' : 'forwarded'));
      else {
        if (side === FlowSide.Src) this.#key.set(flows.key.subarray(at, at + KEY_WORDS));
        else reverseKey(flows.key, at, this.#key, 0);
        const byKernel = kernelReason(this.#key, side);
        if (byKernel !== null) onAnswer(serial, side, unknown(byKernel));
        else this.pending.add(serial, side, this.#view(flows, i, ended, locality === 'multicast'));
      }
    }
  }

  #view(flows: FlowColumns, i: number, ended: boolean, multicast: boolean) {
    return {
      key: this.#key,
      at: 0,
      firstUs: flows.firstBootUs[i]!,
      lastUs: flows.lastBootUs[i]!,
      ended,
      ifindex: flows.ifindex[i]!,
      multicast,
    };
  }

  #touch(row: number): void {
    const { key } = this.sockets.facts;
    const at = row * KEY_WORDS;
    if (this.sockets.hasNoRemote(row)) this.pending.touchPort(keyProtocol(key, at), keyFirstPort(key, at));
    else this.pending.touchTuple(key, at);
  }
}

/** ICMP without an echo id, the answering end of an echo, IGMP: the kernel speaks for itself there. */
function kernelReason(key: Int32Array, side: number): Reason | null {
  const protocol = keyProtocol(key);
  if (protocol === 2) return 'kernel';
  if (protocol !== Protocol.Icmp && protocol !== Protocol.Icmp6) return null;
  const echo = keyFirstPort(key) !== 0 || keySecondPort(key) !== 0;
  return echo && side === FlowSide.Src ? null : 'kernel';
}
