/** The only file that loads better-sqlite3: lazily, because most runs of `pcapid --help` need no database. */
import type Database from 'better-sqlite3';
import { UserError } from '../core/errors.ts';

export type Sqlite = Database.Database;
export type SqlValue = string | number | Uint8Array | null;
export type Statement<Result = unknown> = Database.Statement<SqlValue[], Result>;

/** Marks a file as ours, PRAGMA application_id: 'pcid' in ASCII. */
export const APPLICATION_ID = 0x70636964;

/** @returns why this driver would crash here, or undefined. Version 13 needs Node-API 10 and segfaults without it. */
export function driverTrouble(driverVersion: string, nodeApi: number): string | undefined {
  if (Number.parseInt(driverVersion, 10) < 13 || nodeApi >= 10) return undefined;
  return `better-sqlite3 ${driverVersion} needs Node-API 10, this Node.js has ${nodeApi}`;
}

/**
 * Opens an SQLite file that exists (':memory:' too). Foreign schemas may not run code of theirs, and pages are checked.
 *
 * @param busyMs how long to wait for another connection's lock
 */
export function openSqlite(path: string, access: 'read' | 'write', busyMs = 5000): Sqlite {
  const binding = findBinding();
  const Driver = loadDriver(binding.nativeBinding !== undefined);
  const memory = path === ':memory:';
  const options = { readonly: access === 'read' && !memory, fileMustExist: !memory, timeout: busyMs };
  const db = new Driver(path, { ...options, ...binding });
  db.pragma('trusted_schema = OFF');
  db.pragma('cell_size_check = ON');
  return db;
}

/** Version of the driver whose JavaScript src/bundle.mjs put into one file beside the program. */
declare const __PCAPID_DRIVER__: string;

/** @param isBound its compiled file is known: then one file takes the place of a dozen, 13 ms of CPU less */
function loadDriver(isBound: boolean): typeof Database {
  const { version } = load('better-sqlite3/package.json') as { readonly version: string };
  const trouble = driverTrouble(version, Number(process.versions.napi));
  if (trouble !== undefined) {
    throw new UserError('sqlite-driver', trouble, 'Use Node.js 22.14 or later, or install better-sqlite3 12.');
  }
  if (isBound && version === __PCAPID_DRIVER__) {
    return (require('./bundled-driver.ts') as typeof import('./bundled-driver.ts')).Driver;
  }
  return load('better-sqlite3') as typeof Database;
}

/** Where the driver's compiled file is when it was compiled here: looking for it takes as long as opening a database. */
function findBinding(): { readonly nativeBinding?: string } {
  try {
    return { nativeBinding: require.resolve('better-sqlite3/build/Release/better_sqlite3') };
  } catch {
    return {}; // the driver knows other places
  }
}

function load(name: 'better-sqlite3' | 'better-sqlite3/package.json'): unknown {
  try {
    return name === 'better-sqlite3' ? require('better-sqlite3') : require('better-sqlite3/package.json');
  } catch (error) {
    throw new UserError(
      'sqlite-driver',
      `better-sqlite3 cannot be loaded: ${error instanceof Error ? error.message.split('\n')[0] : error}`,
      'Run `npm rebuild better-sqlite3` where pcapid is installed.',
    );
  }
}

/** Result code name of SQLite behind an error (SQLITE_FULL ...), or undefined when it has none. */
export function sqliteCode(error: unknown): string | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' && code.startsWith('SQLITE_') ? code : undefined;
}
