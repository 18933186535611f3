/** Brings a database file to the newest schema, and refuses files that are not what they seem. */
import { UserError } from '../core/errors.ts';
import { MIGRATIONS } from './migrations.ts';
import { APPLICATION_ID, openSqlite, type Sqlite } from './sqlite.ts';
import { writeTokens } from './tokens.ts';

export const SCHEMA_VERSION = MIGRATIONS.length;

/**
 * Runs what is missing, all of it in one transaction: whoever reads meanwhile finds the file as it was, or brought up to
 * date, and never a schema between two versions. Throws UserError for a newer file.
 */
export function migrate(db: Sqlite, path: string): void {
  const found = schemaVersion(db, path);
  if (found === SCHEMA_VERSION) return;
  db.exec(found === 0 ? 'BEGIN' : 'BEGIN IMMEDIATE');
  try {
    if (found === 0) db.pragma('auto_vacuum = INCREMENTAL'); // takes the lock; has no effect once there is a page
    for (let version = schemaVersion(db, path); version < SCHEMA_VERSION; version++) {
      runMigration(db, MIGRATIONS[version]!, version + 1);
    }
    db.exec('COMMIT');
  } finally {
    if (db.inTransaction) db.exec('ROLLBACK');
  }
}

function runMigration(db: Sqlite, sql: string, version: number): void {
  db.exec(sql);
  if (version === SCHEMA_VERSION) writeTokens(db);
  db.pragma(`application_id = ${APPLICATION_ID}`);
  db.pragma(`user_version = ${version}`);
}

/** @returns PRAGMA user_version, 0 for an empty file. Throws UserError when the file is newer than this program. */
export function schemaVersion(db: Sqlite, path: string): number {
  const version = Number(db.pragma('user_version', { simple: true }));
  if (version >= 0 && version <= SCHEMA_VERSION) return version;
  throw new UserError(
    'newer-schema',
    `${path} was written by a newer pcapid (schema ${version}, this one knows ${SCHEMA_VERSION})`,
    'Update pcapid, or choose another file with --db.',
  );
}

/** Throws UserError when tables or views are not as the migrations made them, or when there are triggers. */
export function checkSchema(db: Sqlite, path: string): void {
  const reference = openSqlite(':memory:', 'write');
  try {
    reference.exec(MIGRATIONS.join('\n')); // without tokens: rows are no part of a schema, and every command waits for this
    const found = schemaOf(db);
    for (const [name, sql] of schemaOf(reference)) if (found.get(name) !== sql) throw changedSchema(path, name);
    for (const name of found.keys()) if (name.startsWith('trigger ')) throw changedSchema(path, name);
  } finally {
    reference.close();
  }
}

function schemaOf(db: Sqlite): Map<string, string | null> {
  const rows = db.prepare('SELECT type, name, sql FROM sqlite_schema').raw().all();
  return new Map((rows as [string, string, string | null][]).map(([type, name, sql]) => [`${type} ${name}`, sql]));
}

function changedSchema(path: string, what: string): UserError {
  return new UserError(
    'foreign-database',
    `${path} is not a database that pcapid made, or was changed since (${what})`,
    'Choose another file with --db.',
  );
}
