/** Checks of what a recording writes to. */
import { accessSync, constants, existsSync, statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Check } from '../../core/health.ts';
import { openSqlite } from '../../store/sqlite.ts';
import { failed, limited, passed } from './doctor-check.ts';

export function checkDatabase(): Check {
  try {
    const db = openSqlite(':memory:', 'read');
    const version = String(db.prepare('SELECT sqlite_version() AS version').pluck().get());
    db.close();
    return passed('database', `SQLite ${version} by better-sqlite3`);
  } catch (error) {
    return failed('database', error, 'no recording, and nothing stored can be read; `sockets` works');
  }
}

const LEAST_FREE = 256 * 2 ** 20; // octets: an hour of a busy host

/** @param folder need not exist yet; then the nearest one above it */
export function checkDisk(folder: string): Check {
  let at = folder;
  while (!existsSync(at) && at !== dirname(at)) at = dirname(at);
  try {
    accessSync(at, constants.W_OK);
    const { bavail, bsize } = statfsSync(at);
    const free = bavail * bsize;
    const detail = `${Math.floor(free / 2 ** 20)} MiB free in ${at}`;
    if (free >= LEAST_FREE) return passed('disk', detail);
    return limited('disk', detail, 'a recording that fills it drops what it cannot write', REMEDY);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? String(error);
    return limited('disk', `${at} cannot be written: ${code}`, 'no recording into the default database', REMEDY);
  }
}

const REMEDY = 'Free space, or choose another place with --db.';
