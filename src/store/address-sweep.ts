import { LEVEL_NAMES, TRAFFIC_KEY } from './rollup-tables.ts';
import type { Sqlite } from './sqlite.ts';

/** Rows that are read between two looks at the clock: some 3 ms. */
const SLICE = 2000;

interface ForeignKey {
  readonly table: string;
  readonly from: string;
}

/**
 * Deletes addresses that no row points at: marks those that are used, in slices, while the recorder goes on, then takes
 * the others. Whoever uses an address meanwhile has to tell.
 */
export class AddressSweep {
  readonly #db: Sqlite;
  readonly #most: number; // younger addresses are left alone
  readonly #used: Uint8Array; // a bit an address
  readonly #onGone: () => void;

  /** @param onGone addresses were deleted: rows that are remembered may be among them */
  constructor(db: Sqlite, onGone: () => void) {
    this.#db = db;
    this.#most = Number(db.prepare('SELECT coalesce(max(id), 0) FROM address').pluck().get());
    this.#used = new Uint8Array((this.#most >> 3) + 1);
    this.#onGone = onGone;
  }

  use(address: number | null): void {
    if (address !== null && address <= this.#most) this.#used[address >> 3]! |= 1 << (address & 7);
  }

  *work(): Generator<void> {
    for (const [table, columns] of this.#pointers()) yield* this.#markRows(table, columns);
    for (const level of LEVEL_NAMES) yield* this.#markBuckets(`traffic_${level}`);
    const drop = this.#db.prepare('DELETE FROM address WHERE id = ?');
    let gone = 0;
    for (let address = 1; address <= this.#most; address++) {
      if ((this.#used[address >> 3]! & (1 << (address & 7))) !== 0) continue;
      if (drop.run(address).changes === 0) continue;
      this.#onGone();
      if (++gone % SLICE === 0) yield;
    }
  }

  /** Columns that the schema says to be addresses. */
  #pointers(): readonly (readonly [table: string, columns: readonly string[]])[] {
    const tables = this.#db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").pluck().all() as string[];
    return tables.flatMap((table) => {
      const keys = this.#db
        .prepare('SELECT "table", "from" FROM pragma_foreign_key_list(?)')
        .all(table) as ForeignKey[];
      const columns = keys.filter((key) => key.table === 'address').map((key) => key.from);
      return columns.length === 0 ? [] : [[table, columns] as const];
    });
  }

  *#markRows(table: string, columns: readonly string[]): Generator<void> {
    const slice = this.#db
      .prepare(`SELECT rowid, ${columns.join(', ')} FROM ${table} WHERE rowid > ? ORDER BY rowid LIMIT ${SLICE}`)
      .raw();
    for (let rows = slice.all(0) as (number | null)[][]; rows.length > 0; ) {
      for (const [, ...addresses] of rows) for (const address of addresses) this.use(address);
      yield;
      rows = slice.all(rows.at(-1)![0]!) as (number | null)[][];
    }
  }

  *#markBuckets(table: string): Generator<void> {
    const key = TRAFFIC_KEY.join(', ');
    const address = TRAFFIC_KEY.indexOf('remote_address');
    const slice = this.#db
      .prepare(`SELECT ${key} FROM ${table} WHERE (${key}) > (?, ?, ?, ?, ?, ?) ORDER BY ${key} LIMIT ${SLICE}`)
      .raw();
    for (let rows = slice.all(-1, 0, 0, 0, 0, 0) as number[][]; rows.length > 0; ) {
      for (const row of rows) this.use(row[address]!);
      yield;
      rows = slice.all(...rows.at(-1)!) as number[][];
    }
  }
}
