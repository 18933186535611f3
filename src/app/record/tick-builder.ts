import type { Answer } from '../../attribution/attribute.ts';
import type { Attributor } from '../../attribution/attributor.ts';
import { type Holding, holdingsOf } from '../../attribution/holdings.ts';
import { processKey, programOf, sameProgram } from '../../attribution/process-table.ts';
import { END_COLUMNS, type EndColumns, MATCHES, REASONS, ROLES } from '../../core/attribution.ts';
import { createColumns, pushRow } from '../../core/columns.ts';
import type { ExitColumns, Process } from '../../core/process.ts';
import { SOURCES } from '../../core/socket.ts';
import {
  HOLDER_HISTORY_COLUMNS,
  type HolderHistoryColumns,
  type ProcessRow,
  type Program,
  type ProgramRow,
  SOCKET_HISTORY_COLUMNS,
  type SocketHistoryColumns,
  type Tick,
} from '../../core/tick.ts';
import { SECOND_US, type Us } from '../../core/time.ts';
import { KEY_WORDS } from '../../core/tuple.ts';
import { ClockSteps } from './clock-steps.ts';
import { NameLog } from './name-log.ts';
import { ToldSockets } from './told-sockets.ts';

/** Sockets younger than this are not worth a row of their own unless a flow points at them. */
const SOCKET_AGE_US = 5 * SECOND_US;
/** That a process still lives is told this often: scans are many a second. */
const TELL_ALIVE_US = 5 * SECOND_US;
/** Rows of sockets and holders that one tick may have, some 16 MB: while the store is stuck no tick is taken. */
const MOST_HISTORY = 1 << 17;
const STEP_ROWS = 32; // that are looked at between two yields

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

/** Collects what one tick adds to the store, and hands out the ids that its rows point at. */
export class TickBuilder {
  readonly #programs = new Map<string, number>();
  readonly #processes = new Map<string, KnownRow>();
  readonly #told = new ToldSockets();
  #socketIds = 0;
  #processIds = 0;
  #newPrograms: ProgramRow[] = [];
  readonly #newProcesses = new Map<number, ProcessRow>(); // by id: a tick has the latest of each
  #newUsers = new Map<number, string>();
  readonly #knownUsers = new Set<number>();
  #ends: EndColumns = createColumns(END_COLUMNS);
  #history: SocketHistoryColumns = createColumns(SOCKET_HISTORY_COLUMNS);
  #holders: HolderHistoryColumns = createColumns(HOLDER_HISTORY_COLUMNS);
  readonly #attributor: Attributor;
  readonly #newContainers = new Map<string, string>(); // id -> name
  readonly #names: Names;
  readonly #mostHistory: number;
  readonly hostNames = new NameLog();
  readonly clock = new ClockSteps(); // facts are in boottime, rows in time of day

  constructor(attributor: Attributor, names: Names, mostHistory = MOST_HISTORY) {
    this.#attributor = attributor;
    this.#names = names;
    this.#mostHistory = mostHistory;
  }

  addAnswer(serial: number, side: number, answer: Answer): void {
    const ends = this.#ends;
    const row = pushRow(ends);
    const { evidence } = answer;
    ends.serial[row] = serial;
    ends.side[row] = side;
    ends.process[row] = answer.process === null ? 0 : this.#processId(answer.process);
    this.hostNames.answer(serial, side, ends.process[row]);
    ends.program[row] = answer.program === null ? 0 : this.#programId(answer.program);
    ends.socket[row] = answer.socket < 0 ? 0 : this.#socketId(answer.socket, answer);
    const socketNetns = answer.socket < 0 ? 0 : this.#attributor.sockets.facts.netns[answer.socket]!;
    ends.netns[row] = socketNetns || (answer.process?.netns ?? 0);
    ends.reason[row] = Math.max(0, REASONS.indexOf(answer.reason));
    if (evidence === null) return;
    ends.source[row] = SOURCES.indexOf(evidence.source);
    ends.match[row] = MATCHES.indexOf(evidence.match);
    ends.holders[row] = evidence.holders;
    ends.gapUs[row] = evidence.gapUs;
  }

  /** Processes that the kernel saw ending. */
  addExits({ count, pid, startTicks, atUs }: ExitColumns): void {
    for (let i = 0; i < count; i++) {
      this.#attributor.processes.end(pid[i]!, startTicks[i]!, atUs[i]!);
      const known = this.#processes.get(processKey(pid[i]!, startTicks[i]!));
      const exitUs = atUs[i]! + this.clock.offsetUs;
      if (known !== undefined) this.#tell(this.#row(known, exitUs, exitUs));
    }
  }

  /** After a complete scan: known processes that are not in it have exited, the others lived at least until then. */
  addScan(pids: Uint32Array, atUs: Us): void {
    const alive = new Set(pids);
    for (const [key, known] of this.#processes) {
      const nowUs = atUs + this.clock.offsetUs;
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

  /** Sockets that became old enough, or were seen again: their history rows. Called once in a few seconds. */
  addSockets(nowUs: Us): void {
    for (const _ of this.addSocketsStepwise(nowUs)) void _;
  }

  /** The same, with a yield now and then. @returns whether one tick has no room for all: the next one may have it */
  *addSocketsStepwise(nowUs: Us): Generator<void, boolean> {
    const { sockets, keepLeastUs } = this.#attributor;
    const told = this.#told;
    let looks = 0;
    for (const row of sockets.rows()) {
      if (++looks % STEP_ROWS === 0) yield;
      if (this.#history.count + this.#holders.count >= this.#mostHistory) return true;
      const isTold = told.isTold(row);
      const isOver = sockets.facts.closedUs[row]! < nowUs - keepLeastUs; // it will be forgotten
      const isYoung = !isOver && nowUs - sockets.facts.fromUs[row]! < SOCKET_AGE_US;
      if (isTold ? sockets.facts.toUs[row]! <= told.toUs[row]! : isYoung || sockets.isKnownByEnd(row)) continue;
      const holders = holdingsOf(row, this.#attributor);
      const [first] = holders;
      const isPrimary = first !== undefined && (holders.length === 1 || first.role === 'actor');
      this.#writeSocket(
        row,
        (isTold && told.process[row]) || (isPrimary ? this.#processId(first.process) : 0),
        holders,
      );
    }
    return false;
  }

  /** The socket table forgets `row`: another socket may take its number. */
  forgetSocket(row: number): void {
    this.#told.forget(row);
  }

  /** Sockets that have a row, since the start. */
  get socketCount(): number {
    return this.#socketIds;
  }

  /** Something was added since the last take(). */
  get hasRows(): boolean {
    const rows = this.#ends.count + this.#history.count + this.#holders.count;
    return this.hostNames.hasRows || rows + this.#newPrograms.length + this.#newProcesses.size > 0;
  }

  /** @param isLast nothing more will be known of who heard names */
  take(isLast = false): BuiltTick {
    const built: BuiltTick = {
      names: this.hostNames.take(isLast),
      ends: this.#ends,
      programs: this.#newPrograms,
      processes: [...this.#newProcesses.values()],
      users: [...this.#newUsers].map(([uid, name]) => ({ uid, name })),
      containers: [...this.#newContainers].map(([id, name]) => ({ id, name })),
      sockets: this.#history,
      holders: this.#holders,
    };
    this.#ends = createColumns(END_COLUMNS);
    this.#history = createColumns(SOCKET_HISTORY_COLUMNS);
    this.#holders = createColumns(HOLDER_HISTORY_COLUMNS);
    this.#newPrograms = [];
    this.#newProcesses.clear();
    this.#newUsers = new Map();
    this.#newContainers.clear();
    return built;
  }

  #processId(process: Process): number {
    const key = processKey(process.pid, process.startTicks);
    const known = this.#processes.get(key);
    if (known !== undefined) {
      if (known.process !== process && !sameProgram(known.process, process)) this.#rename(known, process);
      return known.id;
    }
    const firstUs =
      (this.#attributor.processes.get(process.pid, process.startTicks)?.firstUs ?? 0) + this.clock.offsetUs;
    const created = { id: ++this.#processIds, process, firstUs, lastUs: firstUs, seenUs: firstUs };
    this.#processes.set(key, created);
    const exitUs = this.#exitUs(process);
    this.#tell(this.#row(created, exitUs ?? firstUs, exitUs));
    return created.id;
  }

  /** Since the epoch; null: it lives, or nobody saw it end. */
  #exitUs({ pid, startTicks }: Process): Us | null {
    const exitUs = this.#attributor.processes.get(pid, startTicks)?.exitUs ?? null;
    return exitUs === null ? null : exitUs + this.clock.offsetUs;
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
    const program = this.#programId(programOf(known.process));
    this.#nameContainer(known.process);
    return { id: known.id, program, process: known.process, firstUs: known.firstUs, lastUs, exitUs };
  }

  #nameContainer({ container, cgroup }: Process): void {
    if (container === null) return;
    const name = this.#names.containerName?.(container, cgroup ?? '') ?? null;
    if (name !== null && name !== container) this.#newContainers.set(container, name);
  }

  #programId(program: Program): number {
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

  #socketId(row: number, answer: Answer): number {
    const process = answer.process === null ? 0 : this.#processId(answer.process);
    const isTold = this.#told.says(row, process, answer.holders.length);
    return isTold ? this.#told.id[row]! : this.#writeSocket(row, process, answer.holders);
  }

  #writeSocket(row: number, process: number, holders: readonly Holding[]): number {
    const { facts } = this.#attributor.sockets;
    const isTold = this.#told.isTold(row);
    const id = isTold ? this.#told.id[row]! : ++this.#socketIds;
    const offsetUs = isTold ? this.#told.offsetUs[row]! : this.clock.wallUs(facts.fromUs[row]!) - facts.fromUs[row]!;
    this.#told.note(row, id, facts.toUs[row]!, process, holders.length, offsetUs);
    const history = this.#history;
    const out = pushRow(history);
    history.id[out] = id;
    history.key.set(facts.key.subarray(row * KEY_WORDS, (row + 1) * KEY_WORDS), out * KEY_WORDS);
    history.cookie[out] = facts.cookie[row]!;
    history.inode[out] = facts.inode[row]!;
    history.uid[out] = facts.uid[row]!;
    history.state[out] = facts.state[row]!;
    history.process[out] = process;
    history.netns[out] = facts.netns[row]!;
    history.fromUs[out] = facts.fromUs[row]! + offsetUs;
    history.toUs[out] = Math.max(history.fromUs[out]!, this.clock.wallUs(facts.toUs[row]!));
    history.source[out] = facts.source[row]!;
    history.role[out] = process === 0 ? 0 : Math.max(0, ROLES.indexOf(holders[0]?.role ?? null));
    const isSole = holders.length === 1 && process !== 0; // it stands in the socket itself
    if (!isSole) for (const holding of holders) this.#writeHolder(id, holding, offsetUs);
    return id;
  }

  #writeHolder(socket: number, { process, role, fromUs, toUs, edge = 0, sequence = 0 }: Holding, offsetUs: Us): void {
    const out = pushRow(this.#holders);
    this.#holders.socket[out] = socket;
    this.#holders.process[out] = this.#processId(process);
    this.#holders.role[out] = ROLES.indexOf(role);
    this.#holders.fromUs[out] = fromUs + offsetUs;
    this.#holders.toUs[out] = toUs + offsetUs;
    this.#holders.edge[out] = edge;
    this.#holders.sequence[out] = sequence;
  }
}

/** What a tick has of its own, beside the flows and counters of the capture. */
export type BuiltTick = Pick<
  Tick,
  'names' | 'ends' | 'programs' | 'processes' | 'users' | 'containers' | 'sockets' | 'holders'
>;
