import { copyRow, createColumns, pushRow } from '../../../core/columns.ts';
import { HOLDER_COLUMNS, type HolderColumns, type Process } from '../../../core/process.ts';
import { SOCKET_COLUMNS, type SocketColumns } from '../../../core/socket.ts';
import { SECOND_US, TICK_US, type Us } from '../../../core/time.ts';
import { parseSocketLink } from '../../../linux/proc-fd.ts';
import type { ProcFs } from '../../../linux/proc-fs.ts';
import { readProcess, readStat, readStatus, type Stat } from '../../../linux/proc-pid.ts';
import { NewbornQueue } from './newborn-queue.ts';

/** Clock ticks, of 10 ms, by which the start of a process and the event of its birth may differ. */
const MOST_TICKS_APART = 3;
/** Share of one core that looking may take, and how much of it may be saved up. */
const CPU_SHARE = 0.2;
const MOST_SAVED_US = 100_000;
/** A dump of sockets may take a twentieth of the time: 0.6 ms for few of them, 100 ms for 100,000 (measured). */
const DUMP_REST_FACTOR = 20;
/** What a parent is called is read again after this time: it may have called exec, and its pid may be another's. */
const PARENT_US = SECOND_US / 2;
/** Processes and inodes that are remembered. */
const MOST_KNOWN = 4096;

export interface NewbornFacts {
  readonly sockets: SocketColumns;
  readonly holders: HolderColumns;
  readonly processes: readonly Process[];
}

export interface NewbornOptions {
  readonly proc: ProcFs;
  /** Appends every open socket whose inode the test accepts. */
  readonly dump: (isWanted: (inode: number) => boolean, out: SocketColumns) => void;
  readonly nowUs: () => Us; // CLOCK_BOOTTIME
}

/** A process of which the kernel told a moment ago. */
interface Newborn {
  readonly life: number; // no two have the same; exec begins another
  readonly bornUs: Us; // 0: not known, it called exec
  readonly parentPid: number; // 0: not known; after exec it has nothing from its parent any more
  readonly told: Set<number>; // inodes
  seen: ReadonlySet<number> | null; // inodes of the last look; null: there was none yet
}

/**
 * Reads the descriptors of processes within a millisecond of their birth: those that talk and exit within some
 * milliseconds are gone before a scan of all of /proc gets to them. A socket is told when two looks saw it: who hands it
 * on to another process does so at once, and would be named in its place.
 */
export class NewbornScan {
  readonly queue = new NewbornQueue();
  /** Looks left out because looking had taken its share of the time. */
  skipped = 0;
  readonly #options: NewbornOptions;
  readonly #newborns = new Map<number, Newborn>(); // by pid
  readonly #parents = new Map<number, { readonly process: Process; readonly readUs: Us }>();
  readonly #dumped = new Set<number>(); // inodes whose tuple was looked for
  #lives = 0;
  #sockets = createColumns(SOCKET_COLUMNS);
  #holders = createColumns(HOLDER_COLUMNS);
  #processes = new Map<number, Process>();
  #dumpDueUs: Us = 0;
  #savedUs: Us = MOST_SAVED_US;
  #savedAtUs: Us = 0;

  constructor(options: NewbornOptions) {
    this.#options = options;
  }

  /** @param atUs when the kernel says that it happened */
  born(pid: number, parentPid: number, atUs: Us): void {
    this.#expect(pid, atUs, parentPid, 'birth');
  }

  execed(pid: number): void {
    this.#parents.delete(pid);
    this.#expect(pid, 0, 0, 'exec');
  }

  /** The event comes when its descriptors are closed already: nothing is left to be seen, but for what its parent has. */
  ended(pid: number): void {
    const newborn = this.#newborns.get(pid);
    this.#parents.delete(pid);
    this.#newborns.delete(pid);
    if (newborn !== undefined && newborn.parentPid !== 0) this.#ifTime((now) => this.#tellHeir(pid, newborn, now));
  }

  /**
   * Until its end a child had what its parent has, if the last look saw that too or there was none, and may have used it:
   * told of with the parent, so that this one is not taken for the only holder.
   */
  #tellHeir(pid: number, { bornUs, parentPid, seen }: Newborn, now: Us): void {
    const holders = this.#holders;
    const before = holders.count;
    const startTicks = Math.floor(bornUs / TICK_US);
    const parent = this.#readParent(parentPid);
    if (parent === undefined || parent.startTicks > startTicks) return;
    for (const [fd, inode] of this.#socketsOf(parentPid)) {
      if (seen?.has(inode) === false) continue;
      for (const [holder, ticks, seenUs] of [
        [pid, startTicks, bornUs],
        [pid, startTicks, now],
        [parentPid, parent.startTicks, now],
      ] as const) {
        const row = pushRow(holders);
        holders.inode[row] = inode;
        holders.pid[row] = holder;
        holders.startTicks[row] = ticks;
        holders.fd[row] = fd;
        holders.seenUs[row] = seenUs;
      }
    }
    if (holders.count === before) return;
    this.#processes.set(pid, { ...parent, pid, startTicks, parentPid, forked: false });
    this.#processes.set(parentPid, { ...parent, forked: true });
  }

  #expect(pid: number, bornUs: Us, parentPid: number, from: 'birth' | 'exec'): void {
    if (this.#newborns.size >= MOST_KNOWN) this.#newborns.clear();
    const life = ++this.#lives;
    this.#newborns.set(pid, { life, bornUs, parentPid, told: new Set(), seen: null });
    this.queue.add(pid, life, this.#options.nowUs(), from);
  }

  /** Looks at who is due. */
  look(): void {
    this.queue.takeDue(this.#options.nowUs(), (pid, life) => {
      const newborn = this.#newborns.get(pid);
      if (newborn?.life === life) this.#ifTime((now) => this.#look(pid, newborn, now));
    });
  }

  get hasFacts(): boolean {
    return this.#holders.count + this.#sockets.count > 0;
  }

  /** What was found since the last call. */
  take(): NewbornFacts {
    const facts = { sockets: this.#sockets, holders: this.#holders, processes: [...this.#processes.values()] };
    this.#sockets = createColumns(SOCKET_COLUMNS);
    this.#holders = createColumns(HOLDER_COLUMNS);
    this.#processes = new Map();
    return facts;
  }

  /** Who comes when the time is used up is left out: to let it wait would make those after it late too. */
  #ifTime(look: (nowUs: Us) => void): void {
    const { nowUs } = this.#options;
    const now = nowUs();
    this.#savedUs = Math.min(MOST_SAVED_US, this.#savedUs + (now - this.#savedAtUs) * CPU_SHARE);
    this.#savedAtUs = now;
    if (this.#savedUs < 0) {
      this.skipped++;
      return;
    }
    look(now);
    this.#savedUs -= nowUs() - now;
  }

  #look(pid: number, newborn: Newborn, now: Us): void {
    const before = this.#holders.count;
    this.#readDescriptors(pid, newborn, now);
    if (this.#holders.count === before) return;
    if (this.#identify(pid, newborn, before)) this.#dumpUnknown(before);
    else this.#holders.count = before;
  }

  /** Appends the sockets that the last look saw too and that are not told yet, without the start of the process. */
  #readDescriptors(pid: number, newborn: Newborn, now: Us): void {
    const seen = new Set<number>();
    for (const [fd, inode] of this.#socketsOf(pid)) {
      seen.add(inode);
      if (newborn.seen?.has(inode) !== true || newborn.told.has(inode)) continue;
      newborn.told.add(inode);
      const row = pushRow(this.#holders);
      this.#holders.inode[row] = inode;
      this.#holders.pid[row] = pid;
      this.#holders.fd[row] = fd;
      this.#holders.seenUs[row] = now;
    }
    newborn.seen = seen;
  }

  *#socketsOf(pid: number): Generator<readonly [fd: number, inode: number]> {
    const { proc } = this.#options;
    for (const name of proc.readDir(`${pid}/fd`) ?? []) {
      const link = proc.readLink(`${pid}/fd/${name}`);
      const inode = link === undefined ? -1 : parseSocketLink(link);
      if (inode >= 0) yield [Number(name), inode];
    }
  }

  /** Writes the start into its rows; false when the process is gone, or another one has its pid by now. */
  #identify(pid: number, newborn: Newborn, before: number): boolean {
    const stat = readStat(this.#options.proc, pid);
    if (stat === undefined) return false;
    const apart = Math.abs(stat.startTicks - Math.floor(newborn.bornUs / TICK_US));
    if (newborn.bornUs !== 0 && apart > MOST_TICKS_APART) return false;
    this.#holders.startTicks.fill(stat.startTicks, before, this.#holders.count);
    const process = this.#describe(pid, stat, newborn.parentPid);
    if (process === undefined) return false;
    this.#processes.set(pid, process);
    this.#addSharing(stat.parentPid, before);
    return true;
  }

  /** A child that has not called exec is what its parent is, but for its user: to read all of it would take too long. */
  #describe(pid: number, stat: Stat, parentPid: number): Process | undefined {
    const { proc } = this.#options;
    const parent = parentPid === 0 ? undefined : this.#readParent(parentPid);
    if (parent === undefined) {
      const process = readProcess(proc, pid);
      return process?.startTicks === stat.startTicks ? process : undefined;
    }
    const uid = readStatus(proc, pid)?.uid ?? parent.uid;
    return { ...parent, pid, startTicks: stat.startTicks, parentPid, comm: stat.comm, uid, forked: false };
  }

  #readParent(pid: number): Process | undefined {
    const { proc, nowUs } = this.#options;
    const known = this.#parents.get(pid);
    if (known !== undefined && nowUs() - known.readUs < PARENT_US) return known.process;
    const process = readProcess(proc, pid);
    if (process === undefined) return undefined;
    if (this.#parents.size >= MOST_KNOWN) this.#parents.clear();
    this.#parents.set(pid, { process, readUs: nowUs() });
    return process;
  }

  /**
   * A child holds what its parent holds, under the same numbers: to tell of one without the other would make the child
   * look like the only holder.
   */
  #addSharing(parentPid: number, before: number): void {
    const { proc } = this.#options;
    const holders = this.#holders;
    let parent: Process | undefined;
    for (let i = before, end = holders.count; i < end; i++) {
      const link = proc.readLink(`${parentPid}/fd/${holders.fd[i]}`);
      if (link === undefined || parseSocketLink(link) !== holders.inode[i]) continue;
      parent ??= this.#readParent(parentPid);
      if (parent === undefined) return;
      copyRow(HOLDER_COLUMNS, holders, i, holders);
      holders.pid[holders.count - 1] = parentPid;
      holders.startTicks[holders.count - 1] = parent.startTicks;
    }
    if (parent !== undefined) this.#processes.set(parentPid, { ...parent, forked: true });
  }

  /** The tuples of sockets that were never seen: the packets of the shortest come too late to look them up. */
  #dumpUnknown(before: number): void {
    const { dump, nowUs } = this.#options;
    const wanted = new Set<number>();
    for (let i = before; i < this.#holders.count; i++) {
      const inode = this.#holders.inode[i]!;
      if (!this.#dumped.has(inode)) wanted.add(inode);
    }
    const now = nowUs();
    if (wanted.size === 0 || now < this.#dumpDueUs) return;
    dump((inode) => wanted.has(inode), this.#sockets);
    this.#dumpDueUs = now + (nowUs() - now) * DUMP_REST_FACTOR;
    if (this.#dumped.size >= MOST_KNOWN) this.#dumped.clear();
    for (const inode of wanted) this.#dumped.add(inode);
  }
}
