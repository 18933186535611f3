/** Brings a database file to the newest schema. */
import { MIGRATIONS } from './migrations.ts';
import { SCHEMA_VERSION, schemaVersion } from './schema.ts';
import { APPLICATION_ID, type Sqlite } from './sqlite.ts';
import { writeTokens } from './tokens.ts';

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
