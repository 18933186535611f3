import { createColumns, pushRow } from '../../core/columns.ts';
import { HOLDER_COLUMNS, type HolderColumns } from '../../core/process.ts';
import { SECOND_US, type Us } from '../../core/time.ts';
import { listChildren } from '../../linux/proc-children.ts';
import { createScanFindings, listPids, orderPids, scanHolders } from '../../linux/proc-fd.ts';
import type { ProcFs } from '../../linux/proc-fs.ts';
import { readStatus } from '../../linux/proc-pid.ts';
import type { ScanReport } from './messages.ts';

/**
 * What a scan costs before the next: after one of 60 ms the next waits 120 ms. Of CPU: on a busy host a scan of 20 ms
 * takes 400 ms, and a rest in proportion to that misses everything short.
 */
const REST_FACTOR = 2;
const SHORTEST_REST_US = 50_000;
/** Without any wish the whole of /proc is read this often: processes that exited, sockets that moved. */
const PERIOD_US = 10 * SECOND_US;
/** An inode that this many scans did not find is not asked for again until a socket source sees it anew. */
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
 * It remembers who held what, to look there first.
 */
export class HolderScan {
  readonly #proc: ProcFs;
  readonly #nowUs: () => Us;
  readonly #wanted = new Map<number, number>(); // inode -> scans that did not find it; of the running scan, or the next
  readonly #wantedNext = new Set<number>(); // wished for while a scan runs, which may have passed some holders already
  readonly #hopeless = new Set<number>(); // wanted MOST_TRIES times in vain; forgotten with the next periodic scan
  readonly #pidsOf = new Map<number, Set<number>>(); // inode -> pids, of the last scans
  readonly #recheckUs = new Map<number, Us>(); // pid -> earliest next look at this process alone
  readonly #recheckLater = new Set<number>(); // pids to look at when that time has come
  #seenPids = new Set<number>(); // processes of the last scan, and children looked at since
  readonly findings = createScanFindings();
  #running: Generator<number, void, void> | undefined;
  #seen: HolderColumns = createColumns(HOLDER_COLUMNS);
  #pids: number[] = [];
  #startedUs: Us = 0;
  #startedCpuUs: Us = 0;
  #periodic = true; // the running scan reports every holder
  #nextUs: Us = 0;
  #nextPeriodicUs: Us = 0;

  constructor(proc: ProcFs, nowUs: () => Us) {
    this.#proc = proc;
    this.#nowUs = nowUs;
  }

  get isRunning(): boolean {
    return this.#running !== undefined;
  }

  get hasWishes(): boolean {
    return this.#wanted.size > 0 || this.#wantedNext.size > 0 || this.#recheckLater.size > 0;
  }

  /** A socket of a flow was seen: find its holders, unless they are known, then make sure they still are. */
  want(inode: number, into: HolderColumns): void {
    if (inode === 0) return;
    const pids = this.#pidsOf.get(inode);
    if (pids === undefined) this.wantNew(inode);
    else if (!this.#recheck(inode, pids, into)) this.#wish(inode);
  }

  /** The same, without a second look at known holders: for sources that repeat every socket each time. */
  wantNew(inode: number): void {
    if (inode === 0 || this.#pidsOf.has(inode) || this.#hopeless.has(inode) || this.#wanted.has(inode)) return;
    this.#wish(inode);
  }

  #wish(inode: number): void {
    if (this.isRunning) this.#wantedNext.add(inode);
    else this.#wanted.set(inode, 0);
  }

  /** Works at most `sliceUs`; @returns what a scan that ended now has found, undefined when none did */
  step(sliceUs: number): ScanResult | undefined {
    const now = this.#nowUs();
    if (this.#running === undefined && !this.#start(now)) return undefined;
    const until = now + sliceUs;
    while (this.#nowUs() < until) {
      if (this.#running!.next().done === true) return { holders: this.#takeSeen(), report: this.#finish() };
    }
    return undefined; // rows may still be taken back until their process is complete
  }

  #start(now: Us): boolean {
    this.#periodic = now >= this.#nextPeriodicUs;
    if (!this.#periodic && (this.#wanted.size === 0 || now < this.#nextUs)) return false;
    this.#startedUs = now;
    this.#startedCpuUs = cpuUs();
    this.findings.parents.clear();
    this.findings.unreadable.clear();
    this.#pids = listPids(this.#proc);
    const ordered = orderPids(this.#pids, []);
    this.#seen = createColumns(HOLDER_COLUMNS);
    this.#running = scanHolders(this.#proc, ordered, this.#seen, this.findings, this.#nowUs);
    return true;
  }

  #finish(): ScanReport {
    const now = this.#nowUs();
    this.#running = undefined;
    this.#seenPids = new Set(this.#pids);
    const costUs = Math.min(now - this.#startedUs, cpuUs() - this.#startedCpuUs);
    this.#nextUs = now + Math.max(SHORTEST_REST_US, costUs * REST_FACTOR);
    if (this.#periodic) this.#nextPeriodicUs = now + PERIOD_US;
    for (const [inode, tries] of this.#wanted) {
      const found = this.#pidsOf.has(inode);
      if (!found && tries + 1 < MOST_TRIES) this.#wanted.set(inode, tries + 1);
      else {
        this.#wanted.delete(inode);
        if (!found) this.#hopeless.add(inode);
      }
    }
    for (const inode of this.#wantedNext) this.#wanted.set(inode, 0);
    this.#wantedNext.clear();
    return { startedUs: this.#startedUs, ...this.#denials(), pids: Uint32Array.from(this.#pids) };
  }

  /** Users all or some of whose processes keep their descriptors to themselves. */
  #denials(): Pick<ScanReport, 'deniedUids' | 'partlyDeniedUids'> {
    const { unreadable } = this.findings;
    const denied = new Set(unreadable.values());
    const partly = new Set<number>();
    if (denied.size === 0) return { deniedUids: [], partlyDeniedUids: [] };
    for (const pid of this.#pids) {
      if (unreadable.has(pid) || partly.size === denied.size) continue;
      const uid = readStatus(this.#proc, pid)?.uid;
      if (uid !== undefined && denied.has(uid)) partly.add(uid);
    }
    return { deniedUids: [...denied].filter((uid) => !partly.has(uid)), partlyDeniedUids: [...partly] };
  }

  /**
   * Rows of the finished scan that somebody waits for, and those that are new: a socket whose holder is known is not
   * asked for again, so whoever sees it later relies on having been told. A periodic scan replaces what is known.
   */
  #takeSeen(): HolderColumns {
    const all = this.#seen;
    if (this.#periodic) {
      this.#pidsOf.clear();
      this.#hopeless.clear();
      this.#recheckUs.clear();
    }
    const asked = createColumns(HOLDER_COLUMNS);
    for (let i = 0; i < all.count; i++) {
      const inode = all.inode[i]!;
      const pids = this.#pidsOf.get(inode);
      const isNews = pids?.has(all.pid[i]!) !== true;
      if (pids === undefined) this.#pidsOf.set(inode, new Set([all.pid[i]!]));
      else pids.add(all.pid[i]!);
      if (!this.#periodic && (isNews || this.#wanted.has(inode))) copyRow(all, i, asked);
    }
    return this.#periodic ? all : asked;
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
    for (const pid of holding) pids.add(pid);
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
    for (const _ of scanHolders(this.#proc, looked, into, createScanFindings(), this.#nowUs)) void _;
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

/** Of all threads together: an upper bound of what this one used (Node 20 cannot tell them apart). */
function cpuUs(): Us {
  const { user, system } = process.cpuUsage();
  return user + system;
}

function copyRow(from: HolderColumns, i: number, to: HolderColumns): void {
  const row = pushRow(to);
  to.inode[row] = from.inode[i]!;
  to.pid[row] = from.pid[i]!;
  to.startTicks[row] = from.startTicks[i]!;
  to.fd[row] = from.fd[i]!;
  to.seenUs[row] = from.seenUs[i]!;
}
