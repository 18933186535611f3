import { createColumns, pushRow } from '../../../core/columns.ts';
import { EXIT_COLUMNS, type ExitColumns, type Process } from '../../../core/process.ts';
import { NO_UID } from '../../../core/socket.ts';
import { SECOND_US, TICK_US, type Us } from '../../../core/time.ts';
import type { ProcessMoment, ProcessSink, ProcessState } from '../../../linux/bpf-process-events.ts';
import type { Cgroup } from '../../../linux/cgroup.ts';
import { listPids } from '../../../linux/proc-fd.ts';
import type { ProcFs } from '../../../linux/proc-fs.ts';
import { readProcess } from '../../../linux/proc-pid.ts';
import { isSameProcess, keepWords, mergeRead, NO_PROCESS } from './process-change.ts';
import { type Life, ProcessLives } from './process-lives.ts';

/** Titles change without an event (prctl, setproctitle): a process that acts is read again when this long ago. */
const REREAD_US = 10 * SECOND_US;
/** Without events of processes, what was read is believed this long: its pid may be another's by then. */
const BELIEVED_US = SECOND_US;

/** What a kernel event says of the process that it names. */
export interface Reference {
  readonly pid: number;
  readonly startTicks: number; // 0: not known
  readonly atUs: Us; // CLOCK_BOOTTIME
  readonly uid: number; // NO_UID when not known
  readonly cgroupId: number; // 0: not known
  readonly isCurrent: boolean; // uid and group are those of this moment, not those of an earlier one
}

export interface ProcessBookOptions {
  readonly proc: ProcFs;
  readonly findCgroup: (id: number) => Cgroup | undefined;
  readonly nowUs: () => Us;
}

/**
 * Every process there is or was in the last minutes, so that one that lived a millisecond is whole: a child inherits
 * what its parent was, exec replaces what it runs. Main hears of those that something refers to, and of their changes.
 */
export class ProcessBook implements ProcessSink {
  readonly #options: ProcessBookOptions;
  readonly #lives = new ProcessLives();
  readonly #changed = new Set<Life>(); // referred to, and not told since
  readonly #stale = new Set<Life>(); // to be read again
  readonly #heirs = new Set<number>(); // pids of children of socket owners: they hold what their parent held
  #exits = createColumns(EXIT_COLUMNS);
  #hasEvents = false; // of processes

  constructor(options: ProcessBookOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#lives.size;
  }

  /** Reads every process once, with a pause after each. A parent is one whose child is there. */
  *prime(): Generator<void> {
    for (const pid of listPids(this.#options.proc)) {
      const life = this.#read(pid);
      const parent = life === undefined ? undefined : this.#lives.current(life.process.parentPid);
      if (parent !== undefined) this.#markForked(parent);
      yield;
    }
  }

  /** Ends those that are not among the living: their end was lost, or nobody tells. @param listedUs before listing */
  reconcile(pids: Iterable<number>, listedUs: Us): void {
    const alive = new Set(pids);
    for (const life of this.#lives.living()) {
      if (life.fromUs < listedUs && !alive.has(life.process.pid)) this.#end(life, listedUs, 0);
    }
  }

  /** Takes what another thread read of /proc while the process lived. */
  learn(process: Process): void {
    const known = this.#find(process.pid, process.startTicks);
    if (known === undefined) this.#add(process, this.#options.nowUs(), 0);
    else if (!this.#hasEvents) this.#replace(known, mergeRead(known.process, process));
  }

  /** Reads again what may have changed, until the clock says `untilUs`. */
  refresh(untilUs: Us): void {
    for (const life of this.#stale) {
      if (this.#options.nowUs() >= untilUs) return;
      this.#stale.delete(life);
      if (life.endUs === Infinity) this.#readAgain(life);
    }
  }

  forget(nowUs: Us): void {
    this.#lives.forget(nowUs);
  }

  // ---- what the kernel tells ----

  forked(child: ProcessState): void {
    this.#hasEvents = true;
    const parent = this.#parentOf(child);
    if (parent !== undefined) this.#markForked(parent);
    if (parent?.referred === true) this.#heirs.add(child.pid);
    const known = this.#find(child.pid, child.startTicks);
    if (known !== undefined) return; // read from /proc before its event was
    const from = parent?.process ?? NO_PROCESS;
    const inherited: Process = { ...from, pid: child.pid, startTicks: child.startTicks, forked: false };
    const life = this.#add(inherited, child.atUs, parent?.cgroupId ?? 0);
    this.#update(life, child);
  }

  executed(state: ProcessState, exe: string | null, argv: readonly string[] | null): void {
    this.#hasEvents = true;
    const life = this.#find(state.pid, state.startTicks) ?? this.#read(state.pid, state) ?? this.#invent(state);
    this.#replace(life, { ...life.process, exe, argv });
    this.#update(life, state);
  }

  ended({ pid, startTicks, atUs }: ProcessMoment, exitCode: number, comm: string): void {
    this.#hasEvents = true;
    this.#heirs.delete(pid);
    const life = this.#find(pid, startTicks);
    if (life === undefined || life.endUs !== Infinity) return;
    if (comm !== '') this.#replace(life, { ...life.process, comm });
    this.#end(life, atUs, exitCode);
  }

  // ---- what others ask ----

  /** The process that an event names; undefined: it is gone and left nothing. Main will be told of it. */
  refer(reference: Reference): Process | undefined {
    const life = this.#resolve(reference);
    if (life === undefined) return undefined;
    const now = this.#options.nowUs();
    if (!life.referred) {
      life.referred = true;
      if (life.endUs === Infinity) this.#readAgain(life); // prctl(PR_SET_NAME) tells nobody
      this.#changed.add(life);
      if (life.endUs !== Infinity) this.#tellEnd(life);
    }
    if (reference.isCurrent || !life.isTold) this.#tell(life, reference);
    if (life.endUs === Infinity && now - life.readUs >= REREAD_US) this.#stale.add(life);
    return life.process;
  }

  /** Processes that were referred to since the last call, or have changed, and all above them. */
  takeChanged(): Process[] {
    for (const life of this.#changed) {
      if (life.referred) for (const parent of this.#lives.above(life)) this.#tellAbove(parent);
    }
    const processes = Array.from(this.#changed, (life) => life.process);
    this.#changed.clear();
    return processes;
  }

  /** Again each time, for main forgets who is not heard of. */
  #tellAbove(parent: Life): void {
    this.#changed.add(parent);
    if (!parent.isAbove && !parent.referred && parent.endUs !== Infinity) this.#tellEnd(parent);
    parent.isAbove = true;
  }

  /** Ends of processes that somebody referred to; undefined when there are none. */
  takeExits(): ExitColumns | undefined {
    const exits = this.#exits;
    if (exits.count === 0) return undefined;
    this.#exits = createColumns(EXIT_COLUMNS);
    return exits;
  }

  /** Children of socket owners that were born since the last call and live. */
  takeHeirs(): number[] {
    const heirs = [...this.#heirs];
    this.#heirs.clear();
    return heirs;
  }

  get hasHeirs(): boolean {
    return this.#heirs.size > 0;
  }

  get hasStale(): boolean {
    return this.#stale.size > 0;
  }

  // ---- inside ----

  #resolve(reference: Reference): Life | undefined {
    const { pid, startTicks, atUs } = reference;
    if (startTicks !== 0) {
      return this.#find(pid, startTicks) ?? this.#read(pid, reference) ?? this.#invent({ ...reference, comm: '' });
    }
    const known = this.#lives.current(pid, atUs);
    const believed = this.#hasEvents || known?.endUs !== Infinity || known.readUs + BELIEVED_US > atUs;
    if (known !== undefined && believed) return known;
    const read = this.#read(pid);
    return read !== undefined && read.process.startTicks * TICK_US <= atUs ? read : undefined;
  }

  #parentOf({ parentPid, parentStartTicks }: ProcessState): Life | undefined {
    if (parentStartTicks === 0) return this.#lives.current(parentPid) ?? this.#read(parentPid);
    return this.#find(parentPid, parentStartTicks) ?? this.#read(parentPid, { startTicks: parentStartTicks });
  }

  #find(pid: number, startTicks: number): Life | undefined {
    return this.#lives.find(pid, startTicks);
  }

  /** From /proc, into the book. @param expected the process that must be there; undefined: whichever is */
  #read(pid: number, expected?: { readonly startTicks: number }): Life | undefined {
    const process = readProcess(this.#options.proc, pid);
    if (process === undefined || (expected !== undefined && process.startTicks !== expected.startTicks))
      return undefined;
    const now = this.#options.nowUs();
    const known = this.#find(pid, process.startTicks);
    if (known === undefined) return this.#add(process, now, 0);
    known.readUs = now;
    const merged = mergeRead(known.process, process);
    this.#replace(known, this.#hasEvents ? keepWords(known.process, merged) : merged);
    return known;
  }

  #readAgain(life: Life): boolean {
    return this.#read(life.process.pid, life.process) !== undefined;
  }

  /** A process of which only an event is left. */
  #invent(left: { readonly pid: number; readonly startTicks: number; readonly atUs: Us; readonly comm: string }): Life {
    const { pid, startTicks, comm } = left;
    return this.#add({ ...NO_PROCESS, pid, startTicks, comm }, left.atUs, 0);
  }

  #add(process: Process, atUs: Us, cgroupId: number): Life {
    const before = this.#lives.current(process.pid);
    if (before !== undefined && before.endUs === Infinity) this.#end(before, atUs, 0); // its end was not told
    return this.#lives.add(process, atUs, cgroupId);
  }

  /** Fork and exec tell everything of that moment. */
  #update(life: Life, state: ProcessState): void {
    const { comm, uid, netns, parentPid } = state;
    const { process } = life;
    this.#replace(life, {
      ...process,
      comm,
      parentPid: parentPid === 0 ? process.parentPid : parentPid,
      uid: uid === NO_UID ? process.uid : uid,
      netns: netns === 0 ? process.netns : netns,
    });
    life.readUs = state.atUs;
    this.#place(life, state.cgroupId);
  }

  #tell(life: Life, { uid, cgroupId, isCurrent }: Reference): void {
    if (isCurrent) life.isTold = true;
    if (uid !== NO_UID && uid !== life.process.uid) this.#replace(life, { ...life.process, uid });
    this.#place(life, cgroupId);
  }

  /** In another group than before? /proc knows while it lives, the folders of the groups do afterwards. */
  #place(life: Life, id: number): void {
    if (id === 0 || id === life.cgroupId) return;
    const before = life.cgroupId;
    life.cgroupId = id;
    const { path, unit, container } = this.#options.findCgroup(id) ?? NO_CGROUP;
    // Everything is in the root of the unified hierarchy where another one (v1) does the grouping.
    if (path !== null && path !== '/') this.#replace(life, { ...life.process, cgroup: path, unit, container });
    else if (before !== 0 && !this.#readAgain(life)) {
      this.#replace(life, { ...life.process, cgroup: path, unit: null, container: null });
    }
  }

  #markForked(life: Life): void {
    if (!life.process.forked) this.#replace(life, { ...life.process, forked: true });
  }

  #replace(life: Life, process: Process): void {
    const same = isSameProcess(life.process, process);
    life.process = process;
    if (!same && (life.referred || life.isAbove)) this.#changed.add(life);
  }

  #end(life: Life, atUs: Us, code: number): void {
    life.exitCode = code;
    this.#lives.end(life, atUs);
    this.#stale.delete(life);
    if (life.referred || life.isAbove) this.#tellEnd(life);
  }

  #tellEnd({ process, endUs, exitCode }: Life): void {
    const row = pushRow(this.#exits);
    this.#exits.pid[row] = process.pid;
    this.#exits.startTicks[row] = process.startTicks;
    this.#exits.atUs[row] = endUs;
    this.#exits.code[row] = exitCode;
  }
}

const NO_CGROUP: Cgroup = { path: null, unit: null, container: null };
