import type { Us } from '../core/time.ts';
import { TRAFFIC_SUMS } from '../core/usage.ts';
import { upsertSql } from './counter-table.ts';
import { KeyFilter } from './key-filter.ts';
import { TRAFFIC_KEY } from './rollup-tables.ts';
import type { Sqlite, Statement } from './sqlite.ts';

/** Rows of one minute; further services are counted together, with the address `other`. */
const MOST_MINUTE_ROWS = 10_000;
/** Minutes whose rows are remembered: late names change the last two or three. */
const MOST_MINUTES = 16;
const [BUCKET, REMOTE_ADDRESS, SERVICE_PORT] = [0, 3, 4] as const;
const KEY_LENGTH = TRAFFIC_KEY.length;

/** Where sums went: to the row of their key, or to that of `other`. `row`: key, then sums. */
export type Place = (row: number[], isOther: boolean, isLess: boolean) => void;

/** The rows of a minute that are not `other`. In a storm most keys are new, and it takes no statement to know it. */
interface MinuteRows {
  count: number;
  readonly keys: KeyFilter;
}

/** The finest traffic table: bounded, so that a scan of addresses cannot fill a disk. */
export class TrafficMinutes {
  readonly #rows = new Map<Us, MinuteRows>(); // by bucket
  readonly #keys: Statement<number[]>;
  readonly #find: Statement<number[]>;
  readonly #update: Statement;
  readonly #upsert: Statement;
  readonly #delete: Statement;

  constructor(db: Sqlite) {
    const where = TRAFFIC_KEY.map((name) => `${name} = ?`).join(' AND ');
    this.#keys = db
      .prepare(`SELECT ${TRAFFIC_KEY.join(', ')} FROM traffic_minute WHERE bucket_us = ? AND remote_address <> 0`)
      .raw() as Statement<number[]>;
    this.#find = db.prepare(`SELECT ${TRAFFIC_SUMS.join(', ')} FROM traffic_minute WHERE ${where}`).raw() as Statement<
      number[]
    >;
    this.#update = db.prepare(
      `UPDATE traffic_minute SET ${TRAFFIC_SUMS.map((name) => `${name} = ${name} + ?`).join(', ')} WHERE ${where}`,
    );
    this.#upsert = db.prepare(upsertSql('traffic_minute', TRAFFIC_KEY, TRAFFIC_SUMS));
    this.#delete = db.prepare(`DELETE FROM traffic_minute WHERE ${where}`);
  }

  /** Adds to the row of `row`'s key as far as there is one or room for one. @param place gets what went where, in parts */
  add(row: number[], isLess: boolean, place: Place): void {
    if (isLess) this.#change(row, place);
    else if (this.#addAsRow(row)) place(row, false, false);
    else place(otherOf(row), true, false);
  }

  /** Sums of `other` that add() placed there. */
  addOther(row: readonly number[], isLess: boolean): void {
    this.#upsert.run(...row);
    const key = row.slice(0, KEY_LENGTH);
    if (isLess && this.#find.get(...key)!.every((sum) => sum === 0)) this.#delete.run(...key);
  }

  /** After a rollback: rows that were counted may be gone. */
  rollback(): void {
    this.#rows.clear();
  }

  /** @returns whether there was a row, or room for one */
  #addAsRow(row: readonly number[]): boolean {
    const rows = this.#rowsOf(row[BUCKET]!);
    if (rows.keys.mayHave(row, KEY_LENGTH)) {
      if (this.#update.run(...row.slice(KEY_LENGTH), ...row.slice(0, KEY_LENGTH)).changes !== 0) return true;
    }
    if (rows.count >= MOST_MINUTE_ROWS) return false;
    rows.count++;
    rows.keys.add(row, KEY_LENGTH);
    this.#upsert.run(...row);
    return true;
  }

  /** What the row of the key does not hold was counted in `other`, when there was no room. */
  #change(row: number[], place: Place): void {
    const key = row.slice(0, KEY_LENGTH);
    const sums = row.slice(KEY_LENGTH);
    const found = this.#find.get(...key);
    if (found === undefined) {
      place(otherOf(row), true, true);
      return;
    }
    const own = sums.map((sum, i) => Math.max(sum, -found[i]!));
    if (found.some((had, i) => had + own[i]! !== 0)) this.#update.run(...own, ...key);
    else {
      this.#rowsOf(row[BUCKET]!).count--;
      this.#delete.run(...key);
    }
    place([...key, ...own], false, true);
    const rest = sums.map((sum, i) => sum - own[i]!);
    if (rest.some((sum) => sum !== 0)) place(otherOf([...key, ...rest]), true, true);
  }

  #rowsOf(bucketUs: Us): MinuteRows {
    const known = this.#rows.get(bucketUs);
    if (known !== undefined) return known;
    if (this.#rows.size >= MOST_MINUTES) this.#rows.delete(this.#rows.keys().next().value!);
    const rows: MinuteRows = { count: 0, keys: new KeyFilter() };
    for (const key of this.#keys.iterate(bucketUs)) {
      rows.count++;
      rows.keys.add(key, KEY_LENGTH);
    }
    this.#rows.set(bucketUs, rows);
    return rows;
  }
}

/** @returns the same row, of `other` from now on */
function otherOf(row: number[]): number[] {
  row[REMOTE_ADDRESS] = 0;
  row[SERVICE_PORT] = 0;
  return row;
}
