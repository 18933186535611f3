import { commandLine } from '../core/command-line.ts';
import type { ProcessRow, ProgramRow } from '../core/tick.ts';
import type { Us } from '../core/time.ts';
import { IdMap } from './id-map.ts';
import type { NetnsTable } from './netns-table.ts';
import type { Sqlite, Statement } from './sqlite.ts';

const UPDATE = `UPDATE process SET parent_pid = ?, comm = ?, exe = coalesce(?, exe), cmdline = coalesce(?, cmdline),
  uid = ?, cgroup = coalesce(?, cgroup), netns = coalesce(?, netns), program = ?,
  first_us = min(first_us, ?), last_us = max(last_us, ?), exit_us = coalesce(?, exit_us) WHERE id = ?`;
const INSERT = `INSERT INTO process (parent_pid, comm, exe, cmdline, uid, cgroup, netns, program, first_us, last_us,
  exit_us, id, boot, pid, start_ticks) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;

/** Processes whose first time is remembered; of others it is as they were written. */
const MOST_REMEMBERED = 65_536;

/** Writes programs and processes: each (boot, pid, start ticks) is one row, whoever recorded it first. */
export class ProcessWriter {
  readonly programs: IdMap;
  readonly processes: IdMap;
  readonly #findProgram: Statement<number>;
  readonly #insertProgram: Statement;
  readonly #findProcess: Statement<number>;
  readonly #updateProcess: Statement;
  readonly #insertProcess: Statement;
  readonly #seenEarlier: Statement;
  readonly #firsts = new Map<number, Us>(); // by row
  readonly #netns: NetnsTable;
  readonly #boot: number;

  constructor(db: Sqlite, netns: NetnsTable, boot: number) {
    const largest = (table: string) => Number(db.prepare(`SELECT coalesce(max(id), 0) FROM ${table}`).pluck().get());
    this.programs = new IdMap(largest('program'));
    this.processes = new IdMap(largest('process'));
    this.#findProgram = db
      .prepare('SELECT id FROM program WHERE exe IS ? AND unit IS ? AND container IS ? AND uid IS ?')
      .pluck() as Statement<number>;
    this.#insertProgram = db.prepare('INSERT INTO program (id, exe, unit, container, uid) VALUES (?, ?, ?, ?, ?)');
    this.#findProcess = db
      .prepare('SELECT id FROM process WHERE boot = ? AND pid = ? AND start_ticks = ?')
      .pluck() as Statement<number>;
    this.#updateProcess = db.prepare(UPDATE);
    this.#insertProcess = db.prepare(INSERT);
    this.#seenEarlier = db.prepare('UPDATE process SET first_us = min(first_us, ?) WHERE id = ?');
    this.#netns = netns;
    this.#boot = boot;
  }

  writePrograms(programs: readonly ProgramRow[]): void {
    for (const { id, exe, unit, container, uid } of programs) {
      const row = this.#findProgram.get(exe, unit, container, uid);
      if (row === undefined) this.#insertProgram.run(this.programs.row(id), exe, unit, container, uid);
      else if (row !== this.programs.row(id)) this.programs.alias(id, row);
    }
  }

  writeProcesses(rows: readonly ProcessRow[]): void {
    for (const row of rows) {
      this.#write(row);
      if (this.#firsts.size >= MOST_REMEMBERED) this.#firsts.clear();
      this.#firsts.set(this.processes.row(row.id), row.firstUs);
    }
  }

  /** A packet of it passed at `us`: news of a process come later than its first packets. @param process row */
  seenAt(process: number, us: Us): void {
    if (!(us < this.#firsts.get(process)!)) return; // undefined: never
    this.#firsts.set(process, us);
    this.#seenEarlier.run(us, process);
  }

  #write(row: ProcessRow): void {
    if (this.#update(row)) return;
    const { pid, startTicks } = row.process;
    const known = this.#findProcess.get(this.#boot, pid, startTicks);
    if (known === undefined) {
      this.#insert(row);
      return;
    }
    this.processes.alias(row.id, known);
    this.#update(row);
  }

  /** @returns whether the row was there */
  #update(row: ProcessRow): boolean {
    return this.#updateProcess.run(...this.#values(row), this.processes.row(row.id)).changes !== 0;
  }

  #insert(row: ProcessRow): void {
    const { pid, startTicks } = row.process;
    this.#insertProcess.run(...this.#values(row), this.processes.row(row.id), this.#boot, pid, startTicks);
  }

  #values({ process: p, program, firstUs, lastUs, exitUs }: ProcessRow) {
    return [
      p.parentPid,
      p.comm,
      p.exe,
      p.argv === null ? null : commandLine(p.argv),
      p.uid,
      p.cgroup,
      this.#netns.rowOrNull(p.netns, firstUs),
      this.programs.row(program),
      Math.min(firstUs, exitUs ?? firstUs), // its end may be known before it was seen
      lastUs,
      exitUs,
    ];
  }

  commit(): void {
    this.programs.commit();
    this.processes.commit();
  }

  rollback(): void {
    this.programs.rollback();
    this.processes.rollback();
    this.#firsts.clear();
  }
}
