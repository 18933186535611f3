/** The only writer of a database: one transaction a tick, whole or not at all. */
import { UserError } from '../core/errors.ts';
import type { FileRun } from '../core/provenance.ts';
import type { CaptureInfo, Tick } from '../core/tick.ts';
import type { Us } from '../core/time.ts';
import { AddressSweep } from './address-sweep.ts';
import { AddressTable } from './address-table.ts';
import { CaptureWriter } from './capture-writer.ts';
import { checkHeader, currentRights, type FileRights, prepareDatabaseFile } from './database-file.ts';
import { FlowChanges, forgetCheckpoints } from './flow-changes.ts';
import { FlowWriter } from './flow-writer.ts';
import { acquireLock, holdsLock, type IsAlive, type RecorderIdentity, releaseLock } from './lock.ts';
import { migrate } from './migrate.ts';
import { MinuteFold } from './minute-fold.ts';
import { NameWriter } from './name-writer.ts';
import { openPatiently } from './patience.ts';
import { ProcessWriter } from './process-writer.ts';
import { writeFileRun } from './provenance-writer.ts';
import { type Keep, Retention } from './retention.ts';
import { RollupWriter } from './rollup-writer.ts';
import { checkSchema } from './schema.ts';
import { SocketWriter } from './socket-writer.ts';
import { openSqlite, type Sqlite, sqliteCode } from './sqlite.ts';
import { endTranslations, TranslationWriter } from './translation-writer.ts';

/** A tick could not be written for now (disk full, I/O error, locked). Nothing of it was; write() it again later. */
export class StoreBusy extends Error {
  readonly code: string; // SQLITE_FULL, SQLITE_IOERR_WRITE, SQLITE_BUSY ...

  constructor(code: string, message: string) {
    super(message);
    this.name = 'StoreBusy';
    this.code = code;
  }
}

export interface FlowStoreOptions {
  readonly self: RecorderIdentity;
  readonly isAlive: IsAlive;
  readonly nowUs: Us;
  readonly rights?: FileRights;
  readonly maxPages?: number; // of the database file; more answers SQLITE_FULL, as a full disk does
}

/** The writers of one capture. */
interface Writers {
  readonly capture: CaptureWriter;
  readonly processes: ProcessWriter;
  readonly sockets: SocketWriter;
  readonly translations: TranslationWriter;
  readonly flows: FlowWriter;
  readonly names: NameWriter;
  readonly changes: FlowChanges;
  readonly rollups: RollupWriter;
}

/** A little longer than ends of ended flows wait for a name (attributor.ts). Those of files wait until its end. */
const SETTLED_US = 150_000_000;

const WAL_KEPT_BYTES = 64 * 1024 * 1024; // a burst's longer log is cut back to this at the next checkpoint
/** Pages of the log between two checkpoints: indexes change a page of theirs per flow, so few checkpoints write it less often. */
const CHECKPOINT_PAGES = 4000;
/** Of pages. 16 MB, the driver's choice, write no more flows a second: what is not here is in the memory of the system. */
const CACHE_KIB = 6000;
const LAST_BUSY_MS = 100; // how long a stop waits for readers before it leaves the file in WAL mode

export class FlowStore {
  readonly #db: Sqlite;
  readonly #self: RecorderIdentity;
  readonly #addresses: AddressTable;
  readonly #fold: MinuteFold;
  #writers: Writers | undefined;
  #pruning: Generator<void> | undefined; // what began and has not ended
  #hasPruned = false; // since the last checkpoint of prune()

  private constructor(db: Sqlite, self: RecorderIdentity) {
    this.#db = db;
    this.#self = self;
    this.#addresses = new AddressTable(db);
    this.#fold = new MinuteFold(db);
  }

  /**
   * Makes or opens the database at `path` (absolute) and locks it against other recorders.
   *
   * @throws UserError when the file may not be used, is not ours, is newer, or is being recorded into
   */
  static open(path: string, options: FlowStoreOptions): FlowStore {
    prepareDatabaseFile(path, options.rights ?? currentRights(process.env));
    checkHeader(path, 'allowed');
    try {
      return openPatiently(() => FlowStore.#open(path, options));
    } catch (error) {
      throw explainedOpen(error, path);
    }
  }

  static #open(path: string, { self, isAlive, nowUs, maxPages }: FlowStoreOptions): FlowStore {
    const db = openSqlite(path, 'write');
    try {
      migrate(db, path);
      checkSchema(db, path);
      db.pragma('journal_mode = WAL');
      db.pragma('synchronous = NORMAL');
      db.pragma(`wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
      db.pragma(`cache_size = ${-CACHE_KIB}`);
      db.pragma(`journal_size_limit = ${WAL_KEPT_BYTES}`);
      db.pragma('foreign_keys = OFF'); // declared for readers; checking them would cost every insert eight look-ups
      if (maxPages !== undefined) db.pragma(`max_page_count = ${Math.trunc(maxPages)}`);
      acquireLock(db, path, self, isAlive, nowUs);
      forgetCheckpoints(db); // of a recorder that died: nobody names its flows any more
      return new FlowStore(db, self);
    } catch (error) {
      db.close();
      throw error;
    }
  }

  /** Serials and ids of the ticks that follow count from 1 again. */
  beginCapture(info: CaptureInfo): void {
    this.#writers = undefined;
    let writers: Writers | undefined;
    this.#transaction(() => {
      writers = this.#makeWriters(info);
    });
    this.#writers = writers;
  }

  #makeWriters(info: CaptureInfo): Writers {
    const capture = new CaptureWriter(this.#db, info);
    const processes = new ProcessWriter(this.#db, capture.netns, capture.boot);
    const sockets = new SocketWriter(this.#db, this.#addresses, capture.netns, processes.processes, capture.boot);
    const translations = new TranslationWriter(this.#db, this.#addresses, capture.netns, capture.boot);
    const { processes: processRows, programs } = processes;
    const seenAt = processes.seenAt.bind(processes);
    const rows = { processes: processRows, programs, sockets: sockets.sockets, seenAt };
    const rollups = new RollupWriter(this.#db, this.#fold);
    const changes = new FlowChanges(this.#db, rollups, info.backend === 'file' ? Infinity : SETTLED_US);
    const flows = new FlowWriter(this.#db, this.#addresses, rows, capture, changes);
    const names = new NameWriter(this.#db, this.#addresses, processes.processes, capture.flowBase);
    return { capture, processes, sockets, translations, flows, names, changes, rollups };
  }

  /**
   * Writes a tick in one transaction. Writing it again changes nothing: counters are totals.
   *
   * @throws StoreBusy when nothing of it could be written for now
   */
  write(tick: Tick): void {
    const writers = this.#needWriters();
    this.#transaction(() => {
      writers.processes.writePrograms(tick.programs);
      writers.processes.writeProcesses(tick.processes);
      writers.sockets.writeSockets(tick.sockets);
      writers.sockets.writeHolders(tick.holders);
      writers.translations.write(tick.translations);
      writers.flows.write(tick.flows, tick.ends, tick.atUs);
      writers.names.write(tick.names);
      writers.changes.take(tick.atUs);
      writers.capture.write(tick, writers.flows.longestUs, writers.rollups);
      writers.rollups.write();
    });
  }

  /**
   * Deletes some of what is too old or too much, for `budgetMs` in a transaction of its own. What it changed, pages of all
   * indexes, goes from the log to the file with the next call: both at once would take three times as long.
   *
   * @param nowMs any clock
   * @returns whether there is more to do
   * @throws StoreBusy when nothing could be deleted for now
   */
  prune(keep: Keep, nowUs: Us, nowMs: () => number, budgetMs: number): boolean {
    if (this.#hasPruned) {
      this.#checkpoint();
      return true;
    }
    this.#pruning ??= new Retention(this.#db, keep, this.#fold, this.#writers === undefined, () =>
      this.#sweepAddresses(),
    ).work(nowUs);
    const pruning = this.#pruning;
    let isDone: boolean | undefined = false;
    this.#transaction(() => {
      const untilMs = nowMs() + budgetMs;
      while (isDone === false && nowMs() < untilMs) isDone = pruning.next().done === true;
    });
    if (isDone) this.#endPruning();
    else this.#hasPruned = true;
    return !isDone;
  }

  #checkpoint(): void {
    this.#hasPruned = false;
    try {
      this.#db.pragma('wal_checkpoint(PASSIVE)');
    } catch (error) {
      if (!isPassing(sqliteCode(error))) throw error; // the log is whole: a later one does it
    }
  }

  #sweepAddresses(): AddressSweep {
    const sweep = new AddressSweep(this.#db, () => this.#addresses.rollback());
    this.#addresses.onUse = (row) => sweep.use(row);
    return sweep;
  }

  #endPruning(): void {
    this.#pruning = undefined;
    this.#addresses.onUse = undefined;
  }

  /** Notes files that were used; the inputs belong to the capture that is being written, if one is. */
  noteFiles(run: FileRun): void {
    this.#transaction(() => writeFileRun(this.#db, run, this.#writers?.capture.id ?? null));
  }

  endCapture(endedUs: Us): void {
    const { capture } = this.#needWriters();
    this.#transaction(() => {
      capture.end(endedUs);
      endTranslations(this.#db, endedUs);
      this.#fold.closeBefore(Number.POSITIVE_INFINITY);
      forgetCheckpoints(this.#db);
    });
    this.#writers = undefined;
  }

  /** Gives the lock back and leaves one plain file, which readers without the right to write can open. */
  close(): void {
    const db = this.#db;
    if (!db.open) return;
    try {
      this.#transaction(() => releaseLock(db, this.#self));
      db.pragma(`busy_timeout = ${LAST_BUSY_MS}`);
      db.pragma('wal_checkpoint(TRUNCATE)');
      db.pragma('journal_mode = DELETE');
    } catch (error) {
      // A reader is still there, or the disk is full: the file is complete, only in WAL mode and perhaps locked by a dead.
      if (!(error instanceof StoreBusy) && !isPassing(sqliteCode(error))) throw error;
    } finally {
      db.close();
    }
  }

  #needWriters(): Writers {
    if (this.#writers === undefined) throw new TypeError('no capture: call beginCapture() first');
    return this.#writers;
  }

  #transaction(work: () => void): void {
    const db = this.#db;
    try {
      db.exec('BEGIN IMMEDIATE');
      if (!holdsLock(db, this.#self)) throw lockLost(db.name);
      work();
      db.exec('COMMIT');
      this.#writers?.processes.commit();
    } catch (error) {
      if (db.inTransaction) db.exec('ROLLBACK');
      this.#rollback();
      const code = sqliteCode(error);
      throw isPassing(code) ? new StoreBusy(code, (error as Error).message) : error;
    }
  }

  #rollback(): void {
    this.#endPruning(); // it thinks to have done what was not done
    this.#addresses.rollback();
    this.#fold.rollback();
    this.#writers?.capture.netns.rollback();
    this.#writers?.processes.rollback();
    this.#writers?.changes.rollback();
    this.#writers?.rollups.rollback();
  }
}

function isPassing(code: string | undefined): code is string {
  return code !== undefined && /^SQLITE_(FULL|IOERR|BUSY|LOCKED|NOMEM|CANTOPEN|READONLY)/.test(code);
}

function lockLost(path: string): UserError {
  return new UserError('lock-lost', `another recorder took ${path} over`, 'Let only one recorder use a database.');
}

function explainedOpen(error: unknown, path: string): unknown {
  const code = sqliteCode(error);
  if (code === undefined) return error;
  if (/^SQLITE_(READONLY|CANTOPEN|PERM)/.test(code))
    return new UserError('database-file', `${path} cannot be written (${code})`, READONLY_HINT);
  if (isPassing(code))
    return new UserError('database-busy', `${path}: ${(error as Error).message} (${code})`, BUSY_HINT);
  return new UserError('damaged-database', `${path} is damaged (${code})`, 'Keep a copy and choose another file.');
}

const READONLY_HINT = 'Make the file and its file system writable, or choose another file with --db.';
const BUSY_HINT = 'Make room on the disk, or end the program that uses the file.';
