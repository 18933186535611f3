import type { Us } from '../core/time.ts';
import { TRAFFIC_SUMS } from '../core/usage.ts';
import { addUpSql, CounterTable } from './counter-table.ts';
import { TRAFFIC_KEY } from './rollup-tables.ts';
import type { Sqlite, Statement } from './sqlite.ts';
import { CALLER_KEY, REMOTE_KEY } from './total-tables.ts';

const SUMMED = TRAFFIC_SUMS.map((name) => `sum(${name})`).join(', ');
const [BUCKET, PROGRAM, REASON, REMOTE] = [0, 1, 2, 3] as const; // in TRAFFIC_KEY
/** Remotes that go between two looks at the clock. */
const SLICE = 200;

const minuteBy = (key: readonly string[], also = ''): string =>
  `SELECT ${key.join(', ')}, ${SUMMED}${also} FROM traffic_minute WHERE bucket_us = ? GROUP BY ${key.join(', ')}`;

/** Statements that add a minute of traffic_minute (the one parameter) to the counters of all times. */
export const ADD_MINUTE: readonly string[] = [
  addUpSql('remote_program', CALLER_KEY, TRAFFIC_SUMS, minuteBy(CALLER_KEY)),
  `INSERT INTO remote_total (${[...REMOTE_KEY, ...TRAFFIC_SUMS].join(', ')}, last_us) ${minuteBy(REMOTE_KEY, ', max(bucket_us)')}
    ON CONFLICT DO UPDATE SET ${TRAFFIC_SUMS.map((name) => `${name} = ${name} + excluded.${name}`).join(', ')},
    last_us = max(last_us, excluded.last_us)`,
];

/** Changes of minutes that were added already: names that come late. */
export class RemoteTotals {
  readonly #programs: CounterTable;
  readonly #remotes: CounterTable;
  readonly #seen: Statement;

  constructor(db: Sqlite) {
    this.#programs = new CounterTable(db, 'remote_program', CALLER_KEY, TRAFFIC_SUMS);
    this.#remotes = new CounterTable(db, 'remote_total', REMOTE_KEY, TRAFFIC_SUMS);
    this.#seen = db.prepare('UPDATE remote_total SET last_us = max(last_us, ?) WHERE remote_address = ?');
  }

  /** @param row TRAFFIC_KEY, then TRAFFIC_SUMS, of a minute */
  add(row: readonly number[], isLess: boolean): void {
    const sums = row.slice(TRAFFIC_KEY.length);
    this.#programs.add([row[REMOTE]!, row[PROGRAM]!, row[REASON]!, ...sums], isLess);
    this.#remotes.add([row[REMOTE]!, ...sums], isLess);
    if (!isLess) this.#seen.run(row[BUCKET]!, row[REMOTE]!);
  }
}

/**
 * Deletes totals of remotes that were not seen since `untilUs`, about in the order in which they were first seen.
 *
 * @param onGone gets the latest minute of some that went
 */
export function* dropRemotes(
  db: Sqlite,
  untilUs: Us,
  isEnough: () => boolean,
  onGone: (lastUs: Us) => void,
): Generator<void> {
  const old = db
    .prepare(`SELECT remote_address, last_us FROM remote_total WHERE remote_address > ? AND last_us < ?
      ORDER BY remote_address LIMIT ${SLICE}`)
    .raw();
  const drops = ['remote_program', 'remote_total'].map((table) =>
    db.prepare(`DELETE FROM ${table} WHERE remote_address = ?`),
  );
  for (let after = -1; !isEnough(); ) {
    const rows = old.all(after, untilUs) as [address: number, lastUs: Us][];
    if (rows.length === 0) return;
    for (const [address] of rows) for (const drop of drops) drop.run(address);
    onGone(rows.reduce((latest, [, lastUs]) => Math.max(latest, lastUs), 0));
    after = rows.at(-1)![0];
    yield;
  }
}
