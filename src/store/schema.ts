/** The schema as the migrations make it; refuses files that are not what they seem. */
import { UserError } from '../core/errors.ts';
import type { Sqlite } from './sqlite.ts';

/** Set by src/bundle.mjs, so that who only reads neither loads the migrations nor runs them to compare. */
declare const __PCAPID_SCHEMA__: { readonly version: number; readonly rows: string };

type SchemaRow = readonly [type: string, name: string, sql: string | null];

export const SCHEMA_VERSION = __PCAPID_SCHEMA__.version;

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
  const found = schemaOf(db);
  if (JSON.stringify(found) === __PCAPID_SCHEMA__.rows) return;
  const objects = new Map(found.map(([type, name, sql]) => [`${type} ${name}`, sql]));
  for (const [type, name, sql] of JSON.parse(__PCAPID_SCHEMA__.rows) as readonly SchemaRow[])
    if (objects.get(`${type} ${name}`) !== sql) throw changedSchema(path, `${type} ${name}`);
  for (const name of objects.keys()) if (name.startsWith('trigger ')) throw changedSchema(path, name);
}

function schemaOf(db: Sqlite): readonly SchemaRow[] {
  return db.prepare('SELECT type, name, sql FROM sqlite_schema ORDER BY type, name').raw().all() as SchemaRow[];
}

function changedSchema(path: string, what: string): UserError {
  return new UserError(
    'foreign-database',
    `${path} is not a database that pcapid made, or was changed since (${what})`,
    'Choose another file.',
  );
}
