import { copyRow, createColumns } from '../../../core/columns.ts';
import { HOLDER_COLUMNS, type HolderColumns } from '../../../core/process.ts';
import { SECOND_US, type Us } from '../../../core/time.ts';
import { DescriptorMemory } from '../../../linux/descriptor-memory.ts';
import { listChildren } from '../../../linux/proc-children.ts';
import { createScanFindings, listPids, orderPids, scanHolders } from '../../../linux/proc-fd.ts';
import type { ProcFs } from '../../../linux/proc-fs.ts';
import { readStatus } from '../../../linux/proc-pid.ts';
import type { ScanReport } from '../messages.ts';
import { LikelyPids } from './likely-pids.ts';
import { ScanPass, ScanWishes } from './scan-pass.ts';

/**
 * A scan of all processes may take a ninth of the time, and so may looks at the likely ones: after 60 ms of work the next
 * waits 480 ms. Of CPU: on a busy host a scan of 20 ms takes 400 ms, and a rest in proportion to that misses everything.
 */
const REST_FACTOR = 8;
const SHORTEST_REST_US = { likely: 10_000, all: 50_000 } as const;
/** Without any wish the whole of /proc is read this often: processes that exited, sockets that moved. */
const PERIOD_US = 10 * SECOND_US;
/** An inode that this many scans of all did not find is not asked for again until a socket source sees it anew. */
const MOST_TRIES = 3;
/** The holders known of a socket are looked at again at most this often when new flows appear on it. */
const RECHECK_US = 100_000;
const RECHECK_REST_FACTOR = 10; // and at most for a tenth of the time

export interface ScanResult {
  readonly holders: HolderColumns; // of wanted inodes and new ones, or all after a periodic scan
  readonly report: ScanReport | null; // when a scan came to its end
}

/**
 * Decides when to read /proc/PID/fd and does so in slices, so that look-ups of new flows never wait for a scan.
 * It looks at the likely processes first, at all of them only for sockets that are still open and were not found there.
 */
export class HolderScan {
  readonly #proc: ProcFs;
  readonly #nowUs: () => Us;
  readonly #isOpen: (inode: number) => boolean;
  readonly #likely: LikelyPids;
  readonly #wanted = new ScanWishes(); // among the likely processes
  readonly #missed = new ScanWishes(); // not held by them: among all
  readonly #hopeless = new Set<number>(); // missed MOST_TRIES times; forgotten with the next periodic scan
  readonly #pidsOf = new Map<number, Set<number>>(); // inode -> pids, of the last scans
  readonly #recheckUs = new Map<number, Us>(); // pid -> earliest next look at this process alone
  readonly #recheckLater = new Set<number>(); // pids to look at when that time has come
  #seenPids = new Set<number>(); // processes of the last scan, and children looked at since
  readonly findings = createScanFindings();
  readonly #memory = new DescriptorMemory();
  #likelyPass: ScanPass | undefined; // goes before the other one
  #fullPass: ScanPass | undefined;
  #pids: number[] = []; // of the full pass
  #periodic = true; // the full pass reports every holder
  #nextLikelyUs: Us = 0;
  #nextFullUs: Us = 0;
  #nextPeriodicUs: Us = 0;

  /** @param isOpen whether the socket is still there, as far as can be told: else nobody needs to look for its holder */
  constructor(proc: ProcFs, nowUs: () => Us, isOpen: (inode: number) => boolean = () => true) {
    this.#proc = proc;
    this.#nowUs = nowUs;
    this.#isOpen = isOpen;
    this.#likely = new LikelyPids(proc);
  }

  get isRunning(): boolean {
    return this.#likelyPass !== undefined || this.#fullPass !== undefined;
  }

  get hasWishes(): boolean {
    return this.#wanted.size > 0 || this.#missed.size > 0 || this.#recheckLater.size > 0;
  }

  /** A socket of a flow was seen: find its holders, unless they are known, then make sure they still are. */
  want(inode: number, into: HolderColumns): void {
    if (inode === 0) return;
    const pids = this.#pidsOf.get(inode);
    if (pids === undefined) this.wantNew(inode);
    else if (!this.#recheck(inode, pids, into)) this.#wanted.add(inode, this.#likelyPass);
  }

  /** The same, without a second look at known holders: for sources that repeat every socket each time. */
  wantNew(inode: number): void {
    if (inode === 0 || this.#pidsOf.has(inode) || this.#hopeless.has(inode)) return;
    if (!this.#wanted.has(inode) && !this.#missed.has(inode)) this.#wanted.add(inode, this.#likelyPass);
  }

  /** Takes what others saw. */
  learn(holders: HolderColumns): void {
    for (let i = 0; i < holders.count; i++) this.#note(holders.inode[i]!, holders.pid[i]!);
  }

  /** Works at most `sliceUs`; @returns what a pass that ended now has found, undefined when none did */
  step(sliceUs: number): ScanResult | undefined {
    const now = this.#nowUs();
    this.#likelyPass ??= this.#startLikely(now);
    if (this.#likelyPass !== undefined) {
      return this.#likelyPass.run(now + sliceUs) ? this.#finishLikely(this.#likelyPass) : undefined;
    }
    this.#fullPass ??= this.#startFull(now);
    return this.#fullPass?.run(now + sliceUs) === true ? this.#finishFull(this.#fullPass) : undefined;
  }

  #startLikely(now: Us): ScanPass | undefined {
    if (this.#wanted.size === 0 || now < this.#nextLikelyUs) return undefined;
    const pids = (): readonly number[] => orderPids(this.#likely.take(listPids(this.#proc)), []);
    return new ScanPass(this.#proc, pids, this.findings, this.#nowUs, this.#memory);
  }

  #startFull(now: Us): ScanPass | undefined {
    this.#periodic = now >= this.#nextPeriodicUs;
    if (!this.#periodic && (this.#missed.size === 0 || now < this.#nextFullUs)) return undefined;
    this.#missed.drop((inode) => this.#pidsOf.has(inode) || !this.#isOpen(inode));
    if (!this.#periodic && this.#missed.size === 0) return undefined;
    this.findings.parents.clear();
    this.findings.unreadable.clear();
    this.findings.readable.clear();
    const pids = (): readonly number[] => {
      this.#pids = listPids(this.#proc);
      this.#memory.keepOnly(this.#pids);
      return orderPids(this.#pids, []);
    };
    return new ScanPass(this.#proc, pids, this.findings, this.#nowUs, this.#memory);
  }

  #finishLikely(pass: ScanPass): ScanResult | undefined {
    this.#likelyPass = undefined;
    this.#nextLikelyUs = this.#nowUs() + Math.max(SHORTEST_REST_US.likely, pass.costUs() * REST_FACTOR);
    const holders = this.#takeAsked(pass.seen, this.#wanted.now);
    this.#wanted.settle(
      (inode) => this.#pidsOf.has(inode),
      (inode) => {
        this.#missed.add(inode, this.#fullPass);
        return false;
      },
    );
    return holders.count === 0 ? undefined : { holders, report: null };
  }

  #finishFull(pass: ScanPass): ScanResult {
    this.#fullPass = undefined;
    const now = this.#nowUs();
    this.#seenPids = new Set(this.#pids);
    this.#nextFullUs = now + Math.max(SHORTEST_REST_US.all, pass.costUs() * REST_FACTOR);
    if (this.#periodic) this.#nextPeriodicUs = now + PERIOD_US;
    const holders = this.#periodic ? this.#takeAll(pass.seen) : this.#takeAsked(pass.seen, this.#missed.now);
    this.#missed.settle(
      (inode) => this.#pidsOf.has(inode),
      (inode, passes) => {
        if (passes >= MOST_TRIES) this.#hopeless.add(inode);
        return passes < MOST_TRIES;
      },
    );
    return { holders, report: { startedUs: pass.startedUs, ...this.#denials(), pids: Uint32Array.from(this.#pids) } };
  }

  /** Users all or some of whose processes keep their descriptors to themselves. */
  #denials(): Pick<ScanReport, 'deniedUids' | 'partlyDeniedUids'> {
    const { unreadable, readable } = this.findings;
    const denied = new Set(unreadable.values());
    const partly = new Set<number>();
    if (denied.size === 0) return { deniedUids: [], partlyDeniedUids: [] };
    for (const pid of readable) {
      if (partly.size === denied.size) break;
      const uid = readStatus(this.#proc, pid)?.uid;
      if (uid !== undefined && denied.has(uid)) partly.add(uid);
    }
    return { deniedUids: [...denied].filter((uid) => !partly.has(uid)), partlyDeniedUids: [...partly] };
  }

  /** A periodic scan replaces what is known. */
  #takeAll(seen: HolderColumns): HolderColumns {
    this.#pidsOf.clear();
    this.#hopeless.clear();
    this.#recheckUs.clear();
    this.learn(seen);
    return seen;
  }

  /**
   * Rows that somebody waits for, and those that are new: a socket whose holder is known is not asked for again, so
   * whoever sees it later relies on having been told.
   */
  #takeAsked(seen: HolderColumns, wanted: ReadonlyMap<number, number>): HolderColumns {
    const asked = createColumns(HOLDER_COLUMNS);
    for (let i = 0; i < seen.count; i++) {
      const isWanted = wanted.has(seen.inode[i]!);
      if (isWanted) this.#likely.noteOwner(seen.pid[i]!);
      if (this.#note(seen.inode[i]!, seen.pid[i]!) || isWanted) copyRow(HOLDER_COLUMNS, seen, i, asked);
    }
    return asked;
  }

  /** @returns whether that is news */
  #note(inode: number, pid: number): boolean {
    const pids = this.#pidsOf.get(inode);
    if (pids === undefined) this.#pidsOf.set(inode, new Set([pid]));
    else if (pids.has(pid)) return false;
    else pids.add(pid);
    return true;
  }

  /**
   * Looks at the known holders once more. One that was looked at a moment ago is looked at again when its rest is over:
   * what was seen before a flow began says nothing about it.
   *
   * @returns whether every holder that was due still holds it
   */
  #recheck(inode: number, pids: Set<number>, into: HolderColumns): boolean {
    const now = this.#nowUs();
    const due: number[] = [];
    for (const pid of pids) {
      if (now >= (this.#recheckUs.get(pid) ?? 0)) due.push(pid);
      else this.#recheckLater.add(pid);
    }
    if (due.length === 0) return true;
    const before = into.count;
    this.#look(due, into);
    const holding = new Set<number>();
    for (let i = before; i < into.count; i++) if (into.inode[i] === inode) holding.add(into.pid[i]!);
    for (const pid of due) if (!holding.has(pid)) pids.delete(pid);
    for (const pid of holding) pids.add(pid);
    if (pids.size === 0) this.#pidsOf.delete(inode);
    return due.every((pid) => holding.has(pid));
  }

  /** Looks at known holders whose rest is over; to be called as often as step(). */
  lookLater(into: HolderColumns): void {
    const now = this.#nowUs();
    const due = [...this.#recheckLater].filter((pid) => now >= (this.#recheckUs.get(pid) ?? 0));
    if (due.length > 0) this.#look(due, into);
  }

  /** Reads some processes, and those of their children that no scan has seen yet: a fork shares the socket. */
  #look(pids: readonly number[], into: HolderColumns): void {
    const now = this.#nowUs();
    const looked = new Set([...pids, ...pids.flatMap((pid) => this.#newChildren(pid))]);
    for (const _ of scanHolders(this.#proc, looked, into, createScanFindings(), this.#nowUs, this.#memory)) void _;
    const restUs = Math.max(RECHECK_US, (this.#nowUs() - now) * RECHECK_REST_FACTOR);
    for (const pid of pids) {
      this.#recheckUs.set(pid, now + restUs);
      this.#recheckLater.delete(pid);
    }
  }

  #newChildren(pid: number): readonly number[] {
    const children = (listChildren(this.#proc, pid) ?? []).filter((child) => !this.#seenPids.has(child));
    for (const child of children) this.#seenPids.add(child);
    return children;
  }
}
