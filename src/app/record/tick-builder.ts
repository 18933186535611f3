import type { Answer } from '../../attribution/attribute.ts';
import type { Attributor } from '../../attribution/attributor.ts';
import { type Holding, holdingsOf } from '../../attribution/holdings.ts';
import { END_COLUMNS, type EndColumns, MATCHES, REASONS, ROLES } from '../../core/attribution.ts';
import { createColumns, createNext, pushRow } from '../../core/columns.ts';
import { SOURCES, TOTALS } from '../../core/socket.ts';
import {
  HOLDER_HISTORY_COLUMNS,
  type HolderHistoryColumns,
  SOCKET_HISTORY_COLUMNS,
  type SocketHistoryColumns,
  type Tick,
} from '../../core/tick.ts';
import { SECOND_US, type Us } from '../../core/time.ts';
import { KEY_WORDS } from '../../core/tuple.ts';
import { ClockSteps } from './clock-steps.ts';
import { NameLog } from './name-log.ts';
import { type Names, ProcessRows } from './process-rows.ts';
import { ToldSockets } from './told-sockets.ts';

/** Sockets younger than this are not worth a row of their own unless a flow points at them. */
const SOCKET_AGE_US = 5 * SECOND_US;
/** Rows of sockets and holders that one tick may have, some 16 MB: while the store is stuck no tick is taken. */
const MOST_HISTORY = 1 << 17;
const STEP_ROWS = 32; // that are looked at between two yields

/** Collects what one tick adds to the store, and hands out the ids that its rows point at. */
export class TickBuilder {
  readonly #told = new ToldSockets();
  #socketIds = 0;
  #ends: EndColumns = createColumns(END_COLUMNS);
  #history: SocketHistoryColumns = createColumns(SOCKET_HISTORY_COLUMNS);
  #holders: HolderHistoryColumns = createColumns(HOLDER_HISTORY_COLUMNS);
  readonly #attributor: Attributor;
  readonly #mostHistory: number;
  readonly hostNames = new NameLog();
  readonly clock = new ClockSteps(); // facts are in boottime, rows in time of day
  readonly processes: ProcessRows;

  constructor(attributor: Attributor, names: Names, mostHistory = MOST_HISTORY) {
    this.#attributor = attributor;
    this.processes = new ProcessRows(attributor, names, this.clock);
    this.#mostHistory = mostHistory;
  }

  addAnswer(serial: number, side: number, answer: Answer): void {
    const ends = this.#ends;
    const row = pushRow(ends);
    const { evidence } = answer;
    ends.serial[row] = serial;
    ends.side[row] = side;
    ends.process[row] = answer.process === null ? 0 : this.processes.id(answer.process);
    this.hostNames.answer(serial, side, ends.process[row]);
    ends.program[row] = answer.program === null ? 0 : this.processes.programId(answer.program);
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
      const isAsTold =
        isTold && sockets.lastUs(row) <= told.toUs[row]! && sockets.facts.hasTotals[row] === told.hasTotals[row];
      if (isTold ? isAsTold : isYoung || sockets.isKnownByEnd(row)) continue;
      const holders = holdingsOf(row, this.#attributor);
      const [first] = holders;
      const isPrimary = first !== undefined && (holders.length === 1 || first.role === 'actor');
      this.#writeSocket(
        row,
        (isTold && told.process[row]) || (isPrimary ? this.processes.id(first.process) : 0),
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
    return this.hostNames.hasRows || this.processes.hasRows || rows > 0;
  }

  /** @param isLast nothing more will be known of who heard names */
  take(isLast = false): BuiltTick {
    const built: BuiltTick = {
      names: this.hostNames.take(isLast),
      ends: this.#ends,
      ...this.processes.take(),
      sockets: this.#history,
      holders: this.#holders,
    };
    this.#ends = createNext(END_COLUMNS, this.#ends);
    this.#history = createNext(SOCKET_HISTORY_COLUMNS, this.#history);
    this.#holders = createNext(HOLDER_HISTORY_COLUMNS, this.#holders);
    return built;
  }

  #socketId(row: number, answer: Answer): number {
    const process = answer.process === null ? 0 : this.processes.id(answer.process);
    const isTold = this.#told.says(row, process, answer.holders.length);
    return isTold ? this.#told.id[row]! : this.#writeSocket(row, process, answer.holders);
  }

  /** A row, and another one from each moment on at which the clock was set. @returns the id of the latest */
  #writeSocket(row: number, process: number, holders: readonly Holding[]): number {
    const { sockets } = this.#attributor;
    const isTold = this.#told.isTold(row);
    const lastUs = sockets.lastUs(row);
    let id = isTold ? this.#told.id[row]! : ++this.#socketIds;
    let beginUs = isTold ? this.#told.beginUs[row]! : sockets.facts.fromUs[row]!;
    const said = process === 0 ? 0 : Math.max(0, ROLES.indexOf(holders[0]?.role ?? null));
    const role = this.#told.noteRole(row, process, said);
    for (let leapUs = this.clock.leapAfter(beginUs); leapUs < lastUs; leapUs = this.clock.leapAfter(leapUs)) {
      this.#writeStretch(row, id, process, role, holders, beginUs, leapUs - 1);
      beginUs = leapUs;
      id = ++this.#socketIds;
    }
    this.#writeStretch(row, id, process, role, holders, beginUs, Number.POSITIVE_INFINITY);
    this.#told.note(row, id, lastUs, process, holders.length, beginUs);
    this.#told.hasTotals[row] = sockets.facts.hasTotals[row]!;
    return id;
  }

  /** @param beginUs of the stretch. @param endUs Infinity: of the last one */
  #writeStretch(
    row: number,
    id: number,
    process: number,
    role: number,
    holders: readonly Holding[],
    beginUs: Us,
    endUs: Us,
  ): void {
    const { sockets } = this.#attributor;
    const { facts } = sockets;
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
    history.fromUs[out] = this.clock.wallUs(beginUs);
    history.toUs[out] = Math.max(history.fromUs[out]!, this.clock.wallUs(Math.min(sockets.lastUs(row), endUs)));
    history.source[out] = facts.source[row]!;
    history.role[out] = role;
    const isLast = endUs === Number.POSITIVE_INFINITY; // what it carried in all stands in one row
    for (const name of TOTALS) history[name][out] = isLast ? facts[name][row]! : 0;
    const isSole = holders.length === 1 && process !== 0; // it stands in the socket itself
    if (isSole) return;
    const fromUs = beginUs === facts.fromUs[row] ? Number.NEGATIVE_INFINITY : beginUs;
    for (const holding of holders)
      if (holding.toUs >= fromUs && holding.fromUs <= endUs) this.#writeHolder(id, holding, fromUs, endUs);
  }

  #writeHolder(socket: number, holding: Holding, beginUs: Us, endUs: Us): void {
    const { process, role, fromUs, toUs, edge = 0, sequence = 0 } = holding;
    const out = pushRow(this.#holders);
    this.#holders.socket[out] = socket;
    this.#holders.process[out] = this.processes.id(process);
    this.#holders.role[out] = ROLES.indexOf(role);
    this.#holders.fromUs[out] = this.clock.wallUs(Math.max(fromUs, beginUs));
    this.#holders.toUs[out] = Math.max(this.#holders.fromUs[out]!, this.clock.wallUs(Math.min(toUs, endUs)));
    this.#holders.edge[out] = fromUs < beginUs ? 0 : edge;
    this.#holders.sequence[out] = fromUs < beginUs ? 0 : sequence;
  }
}

/** What a tick has of its own, beside the flows and counters of the capture. */
export type BuiltTick = Pick<
  Tick,
  'names' | 'ends' | 'programs' | 'processes' | 'users' | 'containers' | 'sockets' | 'holders'
>;
