import { isLoopback } from '../../../core/address.ts';
import { copyRows, createColumns, freeColumns } from '../../../core/columns.ts';
import type { FreshColumns } from '../../../core/flow.ts';
import { EXIT_COLUMNS, HOLDER_COLUMNS, type HolderColumns, type Process } from '../../../core/process.ts';
import { SOCKET_COLUMNS, type SocketColumns, type SocketEventColumns, SocketState } from '../../../core/socket.ts';
import { SECOND_US, TICK_US, type Us } from '../../../core/time.ts';
import { K_FIRST, KEY_WORDS, reverseKey } from '../../../core/tuple.ts';
import { readRan } from '../../../linux/descriptor-memory.ts';
import { hasChildren } from '../../../linux/proc-children.ts';
import type { ProcFs } from '../../../linux/proc-fs.ts';
import { readProcess, readStat } from '../../../linux/proc-pid.ts';
import type { SocketEnds } from '../../../linux/socket-ends.ts';
import { type Addresses, AddressWatch } from '../address-watch.ts';
import type { FactsMessage, NewbornMessage } from '../messages.ts';
import { Ancestors } from './ancestors.ts';
import { HolderScan } from './holder-scan.ts';
import type { KernelWatch } from './kernel-watch.ts';
import type { LateTotals } from './late-totals.ts';
import { createLearned, hasLearned, type Learned, nextLearned } from './learned.ts';
import { CONFIRMING_LOOK, LookAgain } from './look-again.ts';
import { OpenSockets } from './open-sockets.ts';
import type { SocketSource } from './socket-source.ts';

/** Longest piece of a scan between two looks at the queue of new flows. */
const SLICE_US = 3_000;
const SHORT_REST_MS = 10;
const LONG_REST_MS = 50;
/** What a process is called changes by exec; it is read again this often while it holds sockets. */
const REREAD_US = 5 * SECOND_US;
/** One that lives longer than this has done its exec: for a second nothing new is expected of it but children. */
const GROWN_US = 2 * SECOND_US;
const GROWN_REREAD_US = SECOND_US;
/** And nothing at all of one that has slept since: others can only move it to another cgroup. */
const ASLEEP_REREAD_US = 60 * SECOND_US;
/** How far back the kernel may have named the owner of a tuple for it to be that of a flow that began just now. */
const OWNED_US = SECOND_US;

export interface ObserverOptions {
  readonly proc: ProcFs;
  readonly sources: readonly SocketSource[]; // strongest first
  readonly readAddresses: () => Addresses;
  readonly nowUs: () => Us; // CLOCK_BOOTTIME
  readonly kernel?: KernelWatch | undefined; // the BPF programs, where they run
  readonly ends?: SocketEnds | LateTotals | undefined; // of sockets of this namespace
  readonly isBehind?: () => boolean; // whoever gets the facts has too many of them already
}

/** What was told of a process, and when it was read. */
interface LastRead {
  readonly atUs: Us;
  readonly startTicks: number;
  readonly ran: string | undefined; // before it was read, see readRan()
  readonly isGrown: boolean;
  readonly forked: boolean;
}

/**
 * Keeps watching sockets and processes, and answers new flows at once: one step() serves what is due and
 * returns the facts it learned. It never sleeps; its thread does, between two steps.
 *
 * What the kernel tells by itself is not looked for.
 */
export class Observer {
  readonly #options: ObserverOptions;
  readonly #kernel: KernelWatch | undefined;
  readonly #scan: HolderScan | undefined;
  readonly #read = new Map<number, LastRead>(); // by pid
  readonly #open: OpenSockets;
  readonly #addresses: AddressWatch;
  readonly #ancestors: Ancestors;
  #learned: Learned = createLearned();
  readonly #key = new Int32Array(KEY_WORDS);
  readonly #again = new LookAgain();
  #newborns: Process[] = [];
  #newbornsLost = 0;
  #looksSkipped = 0;
  #dropped = 0; // rows
  #steppedUs: Us;

  constructor(options: ObserverOptions) {
    this.#options = options;
    this.#kernel = options.kernel;
    this.#addresses = new AddressWatch(options.readAddresses);
    this.#ancestors = new Ancestors(options.proc);
    this.#open = new OpenSockets(options.sources);
    this.#steppedUs = options.nowUs();
    if (this.#kernel?.seesHolders === true) return;
    this.#scan = new HolderScan(options.proc, options.nowUs, (inode) => this.#open.has(inode));
  }

  /** How long the thread may sleep when no event comes, in milliseconds. */
  get restMs(): number {
    if (this.#scan?.isRunning) return 0;
    const restMs = this.#kernel?.restMs ?? LONG_REST_MS;
    return this.hasWishes ? Math.min(SHORT_REST_MS, restMs) : restMs;
  }

  /** Some socket, or its holders, are still being looked for. */
  get hasWishes(): boolean {
    return this.#scan?.isRunning === true || this.#scan?.hasWishes === true || this.#again.size > 0;
  }

  /** Looks up both ends of flows that just began, while their sockets are (most likely) still there. */
  serveFresh(fresh: FreshColumns): void {
    if (this.#kernel?.seesActors === true) return;
    for (let i = 0; i < fresh.count; i++) {
      const at = i * KEY_WORDS;
      this.#key.set(fresh.key.subarray(at, at + KEY_WORDS));
      this.#serve(this.#key);
      reverseKey(fresh.key, at, this.#key, 0);
      this.#serve(this.#key);
    }
  }

  /** Takes what the kernel told of sockets, as another thread took it out of the ring. */
  takeEvents(events: SocketEventColumns): void {
    this.#kernel?.take(events, this.#learned);
    freeColumns(events);
  }

  /** Takes what was seen of processes that may be gone by now. */
  takeNewborns({ sockets, holders, processes, lost, skipped }: NewbornMessage): void {
    copyRows(SOCKET_COLUMNS, sockets, this.#learned.sockets);
    copyRows(HOLDER_COLUMNS, holders, this.#learned.holders);
    this.#scan?.learn(holders);
    this.#newborns.push(...processes);
    this.#kernel?.learn(processes);
    this.#newbornsLost = lost;
    this.#looksSkipped = skipped;
  }

  /** Kernel programs that do not see accept() get a moment to name the owner, then it is looked up as without them. */
  #serve(key: Int32Array): void {
    if (this.#kernel === undefined) this.#lookUp(key, 1);
    else if (this.#isHere(key)) this.#again.add(key, 1, this.#options.nowUs());
  }

  #isHere(key: Int32Array): boolean {
    return isLoopback(key, K_FIRST) || this.#addresses.has(key, K_FIRST);
  }

  #lookUp(key: Int32Array, looks: number): void {
    if (!this.#isHere(key)) return;
    const now = this.#options.nowUs();
    if (this.#kernel?.hasOwner(key, now - OWNED_US) === true) return;
    const { sockets, holders } = this.#learned;
    const before = sockets.count;
    for (const source of this.#options.sources) if (source.find(key, sockets)) break;
    for (let row = before; row < sockets.count; row++) {
      this.#open.note(sockets, row);
      this.#scan?.want(sockets.inode[row]!, holders);
    }
    if (sockets.count > before) this.#kernel?.wantHolders();
    const settled = sockets.count > before && !isUnaccepted(sockets, before);
    if (!settled) this.#again.add(key, looks, now);
    else if (looks < CONFIRMING_LOOK) this.#again.add(key, CONFIRMING_LOOK - 1, now);
  }

  /** Serves what is due now; undefined when nothing was learned. */
  step(last: 'last' | 'more' = 'more'): FactsMessage | undefined {
    const now = this.#options.nowUs();
    this.#again.takeDue(now, this.#key, (key, looks) => this.#lookUp(key, looks));
    const addresses = this.#addresses.changed(now);
    this.#options.ends?.read(this.#learned.closed, last);
    for (const source of this.#options.sources) this.#poll(source);
    this.#scan?.lookLater(this.#learned.holders);
    const result = this.#scan?.step(SLICE_US);
    if (result !== undefined) copyRows(HOLDER_COLUMNS, result.holders, this.#learned.holders);
    const looked = this.#scan === undefined ? [] : this.#readProcesses(this.#learned.holders, now);
    const told = this.#kernel?.step(SLICE_US, this.#learned);
    const seen = [...this.#newborns.splice(0), ...looked];
    const above = this.#kernel === undefined ? this.#ancestors.of(seen, now) : [];
    const processes = [...seen, ...above, ...(this.#kernel?.takeProcesses() ?? [])];
    const exits = this.#kernel?.takeExits();
    const scan = result?.report ?? told?.scan ?? null;
    if (result?.report != null) this.#kernel?.takePids(result.report.pids, result.report.startedUs);
    const lost = this.#dropWhenBehind(now) ?? told?.lost ?? null;
    this.#steppedUs = now;
    const others = processes.length > 0 || exits !== undefined || addresses !== null || scan !== null || lost !== null;
    if (!others && !hasLearned(this.#learned) && last === 'more') return undefined;
    const learned = this.#learned;
    this.#learned = nextLearned(learned); // the old ones are transferred
    const factsLost = this.#options.sources.reduce(
      (sum, source) => sum + source.lost,
      this.#newbornsLost + this.#dropped + (this.#kernel?.lost ?? 0) + (this.#options.ends?.lost ?? 0),
    );
    const ended = exits ?? createColumns(EXIT_COLUMNS, 1);
    const said = { addresses, factsLost, looksSkipped: this.#looksSkipped, lost, last: last === 'last' };
    return { atUs: now, ...learned, processes, exits: ended, scan, ...said };
  }

  /** @returns the time that the dropped rows spoke of */
  #dropWhenBehind(now: Us): FactsMessage['lost'] {
    if (!hasLearned(this.#learned) || this.#options.isBehind?.() !== true) return null;
    this.#dropped += Object.values(this.#learned).reduce((sum, { count }) => sum + count, 0);
    this.#learned = createLearned();
    this.#kernel?.repeat();
    return { fromUs: this.#steppedUs, toUs: now };
  }

  #poll(source: SocketSource): void {
    const { sockets } = this.#learned;
    const before = sockets.count;
    const wantsOwners = source.poll(sockets);
    if (!wantsOwners) return;
    for (let row = before; row < sockets.count; row++) this.#scan?.wantNew(sockets.inode[row]!);
  }

  /** Holders' processes, read when they are new or may have changed; a listener's fork must not be missed. */
  #readProcesses(holders: HolderColumns, now: Us): readonly Process[] {
    const { proc } = this.#options;
    const processes: Process[] = [];
    const pids = new Set(holders.pid.subarray(0, holders.count));
    for (const { pid } of this.#newborns) pids.delete(pid); // read a moment ago
    for (const pid of pids) {
      const last = this.#read.get(pid);
      if (holders.count > pids.size * 8 && now - (last?.atUs ?? 0) < REREAD_US) continue;
      if (last !== undefined && this.#isAsRead(pid, last, now)) continue;
      const ran = last?.isGrown === false ? undefined : this.#ranOf(pid, last?.startTicks);
      const process = readProcess(proc, pid);
      const startTicks = process?.startTicks ?? 0;
      const isGrown = process !== undefined && now - startTicks * TICK_US > GROWN_US;
      const forked = process !== undefined && this.#isParent(pid);
      this.#read.set(pid, { atUs: now, startTicks, ran, isGrown, forked });
      if (process !== undefined) processes.push(forked ? { ...process, forked } : process);
    }
    return processes;
  }

  #isAsRead(pid: number, last: LastRead, now: Us): boolean {
    if (!last.isGrown || (!last.forked && this.#isParent(pid))) return false;
    if (now - last.atUs < GROWN_REREAD_US) return true;
    if (last.ran === undefined || now - last.atUs >= ASLEEP_REREAD_US) return false;
    return this.#ranOf(pid, last.startTicks) === last.ran;
  }

  /** @param startTicks of the process that is meant, where it is known */
  #ranOf(pid: number, startTicks: number | undefined): string | undefined {
    const stat = readStat(this.#options.proc, pid);
    if (stat === undefined || (startTicks !== undefined && stat.startTicks !== startTicks)) return undefined;
    return readRan(this.#options.proc, pid, stat);
  }

  #isParent(pid: number): boolean {
    return this.#scan?.findings.parents.has(pid) === true || hasChildren(this.#options.proc, pid) === true;
  }
}

/** No process has the connection yet: it has an inode from accept() on. */
function isUnaccepted(sockets: SocketColumns, row: number): boolean {
  const state = sockets.state[row]!;
  const open = state === SocketState.SynRecv || state === SocketState.Established || state === SocketState.CloseWait;
  return sockets.inode[row] === 0 && open;
}
