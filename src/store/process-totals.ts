import type { Us } from '../core/time.ts';
import type { Sqlite, Statement } from './sqlite.ts';
import { SumMap } from './sum-map.ts';
import { PROCESS_SUMS } from './total-tables.ts';

const ADD = `INSERT INTO process_total (process, ${PROCESS_SUMS.join(', ')}, last_us) VALUES (?, ?, ?, ?, ?)
  ON CONFLICT DO UPDATE SET ${PROCESS_SUMS.map((name) => `${name} = ${name} + excluded.${name}`).join(', ')},
  last_us = max(last_us, excluded.last_us)`;

/** What flows carried at the ends that name a process, whenever they were named: written once a tick and process. */
export class ProcessTotals {
  readonly #sums = new SumMap(1, PROCESS_SUMS.length);
  readonly #lasts = new Map<number, Us>(); // latest packet, by row of `process`
  readonly #add: Statement;
  readonly #drop: Statement;

  constructor(db: Sqlite) {
    this.#add = db.prepare(ADD);
    this.#drop = db.prepare('DELETE FROM process_total WHERE process = ? AND flows = 0');
  }

  /** @param sums in the order of PROCESS_SUMS; of a name that is taken back, negative */
  add(process: number, sums: readonly number[], lastUs: Us): void {
    KEY[0] = process;
    this.#sums.add(KEY, sums);
    if (sums[0]! >= 0 && lastUs > (this.#lasts.get(process) ?? 0)) this.#lasts.set(process, lastUs);
  }

  write(): void {
    this.#sums.take((row, isLess) => {
      this.#add.run(...row, this.#lasts.get(row[0]!) ?? 0);
      if (isLess) this.#drop.run(row[0]!);
    });
    this.#lasts.clear();
  }

  /** What was collected is of a transaction that came to nothing. */
  rollback(): void {
    this.#sums.clear();
    this.#lasts.clear();
  }
}

const KEY = [0];
