/** Minutes are written alone while packets of theirs come, and added to hours, days, programs and totals once they are over. */
import type { Us } from '../core/time.ts';
import { TRAFFIC_SUMS } from '../core/usage.ts';
import { addUpSql } from './counter-table.ts';
import { ADD_MINUTE } from './remote-totals.ts';
import { LEVELS, type Level, PROGRAM_KEY, TRAFFIC_KEY } from './rollup-tables.ts';
import type { Sqlite, Statement } from './sqlite.ts';

/** The latest minutes stay open: most names that come late belong to them, and readers add up as few rows as they hold. */
const MOST_OPEN = 2;

/**
 * What traffic_minute alone holds is listed in the table `unfolded`, in the same transaction. A tick that closes a full
 * minute (10,000 services and 2,000 programs) takes 65 to 85 ms of CPU longer: measured on a busy machine, not worth slices.
 */
export class MinuteFold {
  readonly #db: Sqlite;
  #open: Us[] | undefined; // oldest first; undefined: as the table says
  readonly #asked = new Map<Us, boolean>(); // answers of isOpen(), which hold for a whole tick
  readonly #isEmpty: Statement;
  readonly #note: Statement;
  readonly #forget: Statement;
  readonly #adds: readonly Statement[];

  constructor(db: Sqlite) {
    this.#db = db;
    this.#isEmpty = db.prepare('SELECT 1 FROM traffic_minute WHERE bucket_us = ? LIMIT 1');
    this.#note = db.prepare('INSERT INTO unfolded (bucket_us) VALUES (?)');
    this.#forget = db.prepare('DELETE FROM unfolded WHERE bucket_us = ?');
    const [, ...service] = TRAFFIC_KEY;
    const [, ...program] = PROGRAM_KEY;
    const byProgram = `GROUP BY ${program.join(', ')}`;
    this.#adds = [
      ...COARSER.map((level) => addSql('traffic', level, service, TRAFFIC_SUMS)),
      addSql('program', 'minute', program, SUMMED, 'traffic_minute', byProgram),
      ...COARSER.map((level) => addSql('program', level, program, TRAFFIC_SUMS)), // of the rows that were just made
      ...ADD_MINUTE,
    ].map((sql) => db.prepare(sql));
  }

  /** @returns whether rows of the minute go to traffic_minute alone. A minute without rows is opened */
  isOpen(bucketUs: Us): boolean {
    let isOpen = this.#asked.get(bucketUs);
    if (isOpen === undefined) {
      isOpen = this.#minutes().includes(bucketUs) || this.#begin(bucketUs);
      this.#asked.set(bucketUs, isOpen);
    }
    return isOpen;
  }

  #begin(bucketUs: Us): boolean {
    if (this.#isEmpty.get(bucketUs) !== undefined) return false;
    this.#note.run(bucketUs);
    this.#minutes().push(bucketUs);
    this.#minutes().sort((a, b) => a - b);
    return true;
  }

  /** At the end of a tick: closes all but the latest minutes. */
  closeOld(): void {
    this.#asked.clear();
    while (this.#minutes().length > MOST_OPEN) this.#close();
  }

  /** Closes the minutes before `untilUs`. */
  closeBefore(untilUs: Us): void {
    while (this.#minutes().some((bucketUs) => bucketUs < untilUs)) this.#close();
  }

  /** After a rollback. */
  rollback(): void {
    this.#open = undefined;
    this.#asked.clear();
  }

  #minutes(): Us[] {
    this.#open ??= this.#db.prepare('SELECT bucket_us FROM unfolded ORDER BY bucket_us').pluck().all() as Us[];
    return this.#open;
  }

  #close(): void {
    const bucketUs = this.#minutes().shift()!;
    for (const add of this.#adds) add.run(bucketUs);
    this.#forget.run(bucketUs);
  }
}

const COARSER = ['hour', 'day'] as const;
const SUMMED = TRAFFIC_SUMS.map((name) => `sum(${name})`);

/** @param key without the bucket, which is the first column. @param sums expressions of TRAFFIC_SUMS */
function addSql(
  name: 'traffic' | 'program',
  level: Level,
  key: readonly string[],
  sums: readonly string[],
  from = `${name}_minute`,
  group = '',
): string {
  const bucket = `bucket_us - bucket_us % ${LEVELS[level]}`;
  const rows = `SELECT ${[bucket, ...key, ...sums].join(', ')} FROM ${from} WHERE bucket_us = ? ${group}`;
  return addUpSql(`${name}_${level}`, ['bucket_us', ...key], TRAFFIC_SUMS, rows);
}
