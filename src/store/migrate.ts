/** Brings a database file to the newest schema. */
import { MIGRATIONS } from './migrations.ts';
import { SCHEMA_VERSION, schemaVersion } from './schema.ts';
import { APPLICATION_ID, type Sqlite } from './sqlite.ts';
import { writeTokens } from './tokens.ts';

/** Runs what is missing, each migration in a transaction with its number. Throws UserError for a newer file. */
export function migrate(db: Sqlite, path: string): void {
  let version = schemaVersion(db, path);
  if (version === 0) db.pragma('auto_vacuum = INCREMENTAL'); // has no effect once there is a table, nor in a transaction
  if (version === SCHEMA_VERSION) return;
  for (const sql of MIGRATIONS.slice(version)) {
    db.exec('BEGIN IMMEDIATE');
    try {
      // Another program may have migrated between our look and our lock.
      if (schemaVersion(db, path) === version) runMigration(db, sql, version + 1);
      db.exec('COMMIT');
    } finally {
      if (db.inTransaction) db.exec('ROLLBACK');
    }
    version++;
  }
}

function runMigration(db: Sqlite, sql: string, version: number): void {
  db.exec(sql);
  if (version === SCHEMA_VERSION) writeTokens(db);
  db.pragma(`application_id = ${APPLICATION_ID}`);
  db.pragma(`user_version = ${version}`);
}
