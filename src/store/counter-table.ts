import type { Sqlite, Statement } from './sqlite.ts';

/** A table of sums by key: adds, also negative sums. A row that comes to nothing is gone. */
export class CounterTable {
  readonly #add: Statement;
  readonly #sweep: Statement;

  constructor(db: Sqlite, table: string, key: readonly string[], sums: readonly string[]) {
    const columns = [...key, ...sums];
    this.#add = db.prepare(`INSERT INTO ${table} (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})
      ON CONFLICT DO UPDATE SET ${sums.map((name) => `${name} = ${name} + excluded.${name}`).join(', ')}`);
    this.#sweep = db.prepare(`DELETE FROM ${table} WHERE ${key.map((name) => `${name} = ?`).join(' AND ')}
      AND ${sums.map((name) => `${name} = 0`).join(' AND ')}`);
  }

  add(key: readonly number[], sums: readonly number[]): void {
    this.#add.run(...key, ...sums);
    if (sums.some((sum) => sum < 0)) this.#sweep.run(...key);
  }
}
