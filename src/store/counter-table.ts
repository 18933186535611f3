import type { Sqlite, Statement } from './sqlite.ts';

/** A table of sums by key: adds, also negative sums. A row that comes to nothing is gone. */
export class CounterTable {
  readonly #keyLength: number;
  readonly #add: Statement;
  readonly #sweep: Statement;

  constructor(db: Sqlite, table: string, key: readonly string[], sums: readonly string[]) {
    this.#keyLength = key.length;
    this.#add = db.prepare(upsertSql(table, key, sums));
    this.#sweep = db.prepare(`DELETE FROM ${table} WHERE ${key.map((name) => `${name} = ?`).join(' AND ')}
      AND ${sums.map((name) => `${name} = 0`).join(' AND ')}`);
  }

  /** @param row key, then sums. @param isLess whether any of these is negative */
  add(row: readonly number[], isLess: boolean): void {
    this.#add.run(...row);
    if (isLess) this.#sweep.run(...row.slice(0, this.#keyLength));
  }
}

/** Adds a row, key and sums, to that of its key. */
export function upsertSql(table: string, key: readonly string[], sums: readonly string[]): string {
  return addUpSql(table, key, sums, `VALUES (${[...key, ...sums].map(() => '?').join(', ')})`);
}

/** Adds `rows`, key and sums each, to those of their keys. */
export function addUpSql(table: string, key: readonly string[], sums: readonly string[], rows: string): string {
  return `INSERT INTO ${table} (${[...key, ...sums].join(', ')}) ${rows}
    ON CONFLICT DO UPDATE SET ${sums.map((name) => `${name} = ${name} + excluded.${name}`).join(', ')}`;
}
