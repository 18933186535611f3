/** One recorder per database: a row says which process it is. SQLite's own locks end with a transaction. */
import { UserError } from '../core/errors.ts';
import { FlowEnd } from '../core/flow.ts';
import { formatTimeUs, type Us } from '../core/time.ts';
import type { Sqlite } from './sqlite.ts';
import { endTranslations } from './translation-writer.ts';

/** A process as it will be recognised later: pids and start ticks repeat after a boot. */
export interface RecorderIdentity {
  readonly bootId: string;
  readonly pid: number;
  readonly startTicks: number;
}

/** Says whether the process `pid` of this boot that started at `startTicks` still lives. */
export type IsAlive = (pid: number, startTicks: number) => boolean;

interface LockRow {
  readonly boot_id: string;
  readonly pid: number;
  readonly start_ticks: number;
  readonly since_us: number;
}

const SELECT = 'SELECT boot_id, pid, start_ticks, since_us FROM recorder';

/** Takes the lock, from a dead recorder too: what that one left open is closed. Throws UserError while another lives. */
export function acquireLock(db: Sqlite, path: string, self: RecorderIdentity, isAlive: IsAlive, nowUs: Us): void {
  db.exec('BEGIN IMMEDIATE');
  try {
    const other = db.prepare(SELECT).get() as LockRow | undefined;
    if (other !== undefined && other.boot_id === self.bootId && isAlive(other.pid, other.start_ticks)) {
      throw new UserError(
        'recorder-running',
        `process ${other.pid} has been recording into ${path} since ${formatTimeUs(other.since_us)}`,
        'Stop it, or choose another file with --db.',
      );
    }
    closeForced(db);
    db.prepare('INSERT OR REPLACE INTO recorder (id, boot_id, pid, start_ticks, since_us) VALUES (1, ?, ?, ?, ?)').run(
      self.bootId,
      self.pid,
      self.startTicks,
      nowUs,
    );
    db.exec('COMMIT');
  } finally {
    if (db.inTransaction) db.exec('ROLLBACK');
  }
}

/** Ends captures that nobody records any more, and their flows, with the counters that were stored last. */
function closeForced(db: Sqlite): void {
  const first = db.prepare('SELECT min(flow_base) FROM capture WHERE ended_us IS NULL').pluck().get();
  if (first === null || first === undefined) return;
  db.prepare(
    `UPDATE flow SET end_reason = ? WHERE end_reason IS NULL AND id > ?
      AND capture IN (SELECT id FROM capture WHERE ended_us IS NULL)`,
  ).run(FlowEnd.Forced, first);
  const last = db.prepare('SELECT max(last_us) FROM capture WHERE ended_us IS NULL').pluck().get();
  endTranslations(db, Number(last));
  db.exec('UPDATE capture SET ended_us = last_us, forced = 1 WHERE ended_us IS NULL');
}

/** @returns whether the lock row still names this process: a recorder in another pid namespace may think us dead */
export function holdsLock(db: Sqlite, self: RecorderIdentity): boolean {
  const row = db.prepare(SELECT).get() as LockRow | undefined;
  return row?.boot_id === self.bootId && row.pid === self.pid && row.start_ticks === self.startTicks;
}

export function releaseLock(db: Sqlite, self: RecorderIdentity): void {
  db.prepare('DELETE FROM recorder WHERE boot_id = ? AND pid = ? AND start_ticks = ?').run(
    self.bootId,
    self.pid,
    self.startTicks,
  );
}
