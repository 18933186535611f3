/** Rows of processes, their programs, users and containers, as a tick adds them to the store. */
import type { Attributor } from '../../attribution/attributor.ts';
import { processKey, programOf, sameProgram } from '../../attribution/process-table.ts';
import type { ExitColumns, Process } from '../../core/process.ts';
import type { ProcessRow, Program, ProgramRow, Tick } from '../../core/tick.ts';
import { SECOND_US, type Us } from '../../core/time.ts';
import type { ClockSteps } from './clock-steps.ts';

/** That a process still lives is told this often: scans are many a second. */
const TELL_ALIVE_US = 5 * SECOND_US;

interface KnownRow {
  readonly id: number;
  process: Process; // as last read
  readonly firstUs: Us;
  lastUs: Us; // as told last
  seenUs: Us; // by the latest scan
}

/** What people call users and containers; null: nothing. */
export interface Names {
  readonly userName: (uid: number) => string | null;
  readonly containerName?: (id: string, cgroup: string) => string | null;
}

/** Hands out the ids that other rows point at. */
export class ProcessRows {
  readonly #programs = new Map<string, number>();
  readonly #processes = new Map<string, KnownRow>();
  #ids = 0;
  #newPrograms: ProgramRow[] = [];
  readonly #newProcesses = new Map<number, ProcessRow>(); // by id: a tick has the latest of each
  readonly #newUsers = new Map<number, string>();
  readonly #knownUsers = new Set<number>();
  readonly #newContainers = new Map<string, string>(); // id -> name
  readonly #attributor: Attributor;
  readonly #names: Names;
  readonly #clock: ClockSteps;

  constructor(attributor: Attributor, names: Names, clock: ClockSteps) {
    this.#attributor = attributor;
    this.#names = names;
    this.#clock = clock;
  }

  /** Processes that the kernel saw ending. */
  addExits({ count, pid, startTicks, atUs }: ExitColumns): void {
    for (let i = 0; i < count; i++) {
      this.#attributor.processes.end(pid[i]!, startTicks[i]!, atUs[i]!);
      const known = this.#processes.get(processKey(pid[i]!, startTicks[i]!));
      const exitUs = this.#clock.wallUs(atUs[i]!);
      if (known !== undefined) this.#tell(this.#row(known, exitUs, exitUs));
    }
  }

  /** After a complete scan: known processes that are not in it have exited, the others lived at least until then. */
  addScan(pids: Uint32Array, atUs: Us): void {
    const alive = new Set(pids);
    for (const [key, known] of this.#processes) {
      const nowUs = this.#clock.wallUs(atUs);
      if (!alive.has(known.process.pid)) {
        if (this.#exitUs(known.process) === null) this.#tell(this.#row(known, known.seenUs, nowUs));
        this.#processes.delete(key);
        continue;
      }
      known.seenUs = nowUs;
      if (nowUs - known.lastUs >= TELL_ALIVE_US) {
        known.lastUs = nowUs;
        this.#tell(this.#row(known, nowUs, null));
      }
    }
  }

  /** Something was added since the last take(). */
  get hasRows(): boolean {
    return this.#newPrograms.length + this.#newProcesses.size > 0;
  }

  take(): Pick<Tick, 'programs' | 'processes' | 'users' | 'containers'> {
    const built = {
      programs: this.#newPrograms,
      processes: [...this.#newProcesses.values()],
      users: [...this.#newUsers].map(([uid, name]) => ({ uid, name })),
      containers: [...this.#newContainers].map(([id, name]) => ({ id, name })),
    };
    this.#newPrograms = [];
    this.#newProcesses.clear();
    this.#newUsers.clear();
    this.#newContainers.clear();
    return built;
  }

  /** @returns id of its row, which the tick gets when it is new or has changed, and with it all above that are new */
  id(process: Process): number {
    const known = this.#known(process);
    if (known !== undefined) return known.id;
    const { id } = this.#create(process);
    // So that a tree has names up to init. Who forks without end makes it as deep as there are pids: no recursion.
    let above = this.#parentOf(process);
    while (above !== undefined && this.#known(above) === undefined) {
      this.#create(above);
      above = this.#parentOf(above);
    }
    return id;
  }

  #known(process: Process): KnownRow | undefined {
    const known = this.#processes.get(processKey(process.pid, process.startTicks));
    if (known !== undefined && known.process !== process && !sameProgram(known.process, process))
      this.#rename(known, process);
    return known;
  }

  #create(process: Process): KnownRow {
    const seen = this.#attributor.processes.get(process.pid, process.startTicks);
    const firstUs = this.#clock.wallUs(seen?.firstUs ?? 0);
    const created = { id: ++this.#ids, process, firstUs, lastUs: firstUs, seenUs: firstUs };
    this.#processes.set(processKey(process.pid, process.startTicks), created);
    const exitUs = this.#exitUs(process);
    this.#tell(this.#row(created, exitUs ?? firstUs, exitUs));
    return created;
  }

  #parentOf({ parentPid, startTicks }: Process): Process | undefined {
    return parentPid === 0 ? undefined : this.#attributor.processes.latest(parentPid, startTicks);
  }

  /** Since the epoch; null: it lives, or nobody saw it end. */
  #exitUs({ pid, startTicks }: Process): Us | null {
    const exitUs = this.#attributor.processes.get(pid, startTicks)?.exitUs ?? null;
    return exitUs === null ? null : this.#clock.wallUs(exitUs);
  }

  /** It has called exec: the row is what it is now, flows keep the program that they were given. */
  #rename(known: KnownRow, process: Process): void {
    known.process = process;
    this.#tell(this.#row(known, known.lastUs, null));
  }

  #tell(row: ProcessRow): void {
    const told = this.#newProcesses.get(row.id);
    const exitUs = row.exitUs ?? told?.exitUs ?? null;
    this.#newProcesses.set(row.id, { ...row, lastUs: Math.max(row.lastUs, told?.lastUs ?? 0), exitUs });
  }

  #row(known: KnownRow, lastUs: Us, exitUs: Us | null): ProcessRow {
    const program = this.programId(programOf(known.process));
    this.#nameContainer(known.process);
    return { id: known.id, program, process: known.process, firstUs: known.firstUs, lastUs, exitUs };
  }

  #nameContainer({ container, cgroup }: Process): void {
    if (container === null) return;
    const name = this.#names.containerName?.(container, cgroup ?? '') ?? null;
    if (name !== null && name !== container) this.#newContainers.set(container, name);
  }

  /** @returns id of its row, which the tick gets when it is new */
  programId(program: Program): number {
    const key = `${program.exe}\0${program.unit}\0${program.container}\0${program.uid}`;
    const known = this.#programs.get(key);
    if (known !== undefined) return known;
    const id = this.#programs.size + 1;
    this.#programs.set(key, id);
    this.#newPrograms.push({ id, ...program });
    if (program.uid !== null) this.#user(program.uid);
    return id;
  }

  #user(uid: number): void {
    if (this.#knownUsers.has(uid)) return;
    this.#knownUsers.add(uid);
    const name = this.#names.userName(uid);
    if (name !== null) this.#newUsers.set(uid, name);
  }
}
