import type { FileRun } from '../core/provenance.ts';
import type { CompiledQuery } from './compile-query.ts';
import type { Sqlite } from './sqlite.ts';

const INSERT = `INSERT INTO provenance (at_us, use, path, bytes, sha256, command, version, capture)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?)`;

/** @param capture row that the inputs became, null: none */
export function writeFileRun(db: Sqlite, { atUs, command, version, files }: FileRun, capture: number | null): void {
  const insert = db.prepare(INSERT);
  for (const { use, path, bytes, sha256 } of files)
    insert.run(atUs, use, path, bytes, sha256, command, version, use === 'input' ? capture : null);
}

/** Inputs of that size which became captures: only they can be the same file. */
export function compileInputsOfSize(bytes: number): CompiledQuery {
  return {
    sql: "SELECT path, sha256 FROM provenance WHERE use = 'input' AND capture IS NOT NULL AND bytes = ? AND sha256 IS NOT NULL",
    params: [bytes],
  };
}

/** Files that were read or made, latest first, and in `others` how many more there are. */
export function compileFiles(most: number): CompiledQuery {
  return {
    sql: `SELECT at_us, use, path, bytes, sha256, command, version, capture,
  (SELECT count(*) FROM provenance) - ? AS others FROM provenance ORDER BY id DESC LIMIT ?`,
    params: [most, most],
  };
}
