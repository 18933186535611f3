import type { Us } from '../core/time.ts';
import { TRAFFIC_KEY, TRAFFIC_SUMS } from './rollup-tables.ts';
import type { Sqlite, Statement } from './sqlite.ts';

/** Rows of one minute; further services are counted together, with the address `other`. */
const MOST_MINUTE_ROWS = 10_000;
/** Minutes whose number of rows is remembered: late names change the last two or three. */
const MOST_MINUTES = 16;
const [BUCKET, PROGRAM, REASON, , , PROTOCOL] = [0, 1, 2, 3, 4, 5] as const;

type Sums = readonly number[];
/** Where sums went: to the row of their key, or to that of `other`. */
export type Place = (key: readonly number[], sums: Sums) => void;

/** The finest traffic table: bounded, so that a scan of addresses cannot fill a disk. */
export class TrafficMinutes {
  readonly #rows = new Map<Us, number>(); // bucket -> rows that are not `other`
  readonly #count: Statement<number>;
  readonly #find: Statement<number[]>;
  readonly #update: Statement;
  readonly #insert: Statement;
  readonly #delete: Statement;

  constructor(db: Sqlite) {
    const where = TRAFFIC_KEY.map((name) => `${name} = ?`).join(' AND ');
    const columns = [...TRAFFIC_KEY, ...TRAFFIC_SUMS];
    this.#count = db
      .prepare('SELECT count(*) FROM traffic_minute WHERE bucket_us = ? AND remote_address <> 0')
      .pluck() as Statement<number>;
    this.#find = db.prepare(`SELECT ${TRAFFIC_SUMS.join(', ')} FROM traffic_minute WHERE ${where}`).raw() as Statement<
      number[]
    >;
    this.#update = db.prepare(
      `UPDATE traffic_minute SET ${TRAFFIC_SUMS.map((name) => `${name} = ${name} + ?`).join(', ')} WHERE ${where}`,
    );
    this.#insert = db.prepare(`INSERT INTO traffic_minute (${columns.join(', ')})
      VALUES (${columns.map(() => '?').join(', ')})
      ON CONFLICT DO UPDATE SET ${TRAFFIC_SUMS.map((name) => `${name} = ${name} + excluded.${name}`).join(', ')}`);
    this.#delete = db.prepare(`DELETE FROM traffic_minute WHERE ${where}`);
  }

  /** Adds to the row of `key` as far as there is one or room for one. @param place gets what went where, in parts */
  add(key: readonly number[], sums: Sums, place: Place): void {
    if (sums.some((sum) => sum < 0)) this.#change(key, sums, place);
    else if (this.#update.run(...sums, ...key).changes !== 0) place(key, sums);
    else {
      const rows = this.#rowsOf(key[BUCKET]!);
      const hasRoom = rows < MOST_MINUTE_ROWS;
      if (hasRoom) {
        this.#insert.run(...key, ...sums);
        this.#rows.set(key[BUCKET]!, rows + 1);
      }
      place(hasRoom ? key : otherOf(key), sums);
    }
  }

  /** Sums of `other` that add() placed there. */
  addOther(key: readonly number[], sums: Sums): void {
    this.#insert.run(...key, ...sums);
    if (sums.some((sum) => sum < 0) && this.#find.get(...key)!.every((sum) => sum === 0)) this.#delete.run(...key);
  }

  /** After a rollback: rows that were counted may be gone. */
  rollback(): void {
    this.#rows.clear();
  }

  /** What the row of `key` does not hold was counted in `other`, when there was no room. */
  #change(key: readonly number[], sums: Sums, place: Place): void {
    const found = this.#find.get(...key);
    if (found === undefined) {
      place(otherOf(key), sums);
      return;
    }
    const own = sums.map((sum, i) => Math.max(sum, -found[i]!));
    if (found.some((had, i) => had + own[i]! !== 0)) this.#update.run(...own, ...key);
    else {
      const rows = this.#rowsOf(key[BUCKET]!);
      this.#delete.run(...key);
      this.#rows.set(key[BUCKET]!, rows - 1);
    }
    place(key, own);
    const rest = sums.map((sum, i) => sum - own[i]!);
    if (rest.some((sum) => sum !== 0)) place(otherOf(key), rest);
  }

  #rowsOf(bucketUs: Us): number {
    const known = this.#rows.get(bucketUs);
    if (known !== undefined) return known;
    if (this.#rows.size >= MOST_MINUTES) this.#rows.delete(this.#rows.keys().next().value!);
    const counted = this.#count.get(bucketUs)!;
    this.#rows.set(bucketUs, counted);
    return counted;
  }
}

const otherOf = (key: readonly number[]): readonly number[] => [
  key[BUCKET]!,
  key[PROGRAM]!,
  key[REASON]!,
  0,
  0,
  key[PROTOCOL]!,
];
