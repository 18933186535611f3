import type { Us } from '../core/time.ts';
import { TRAFFIC_SUMS } from '../core/usage.ts';
import { CounterTable } from './counter-table.ts';
import type { ShareSink } from './flow-share.ts';
import type { MinuteFold } from './minute-fold.ts';
import { ProcessTotals } from './process-totals.ts';
import { RemoteTotals } from './remote-totals.ts';
import {
  bucketOf,
  CAPTURED_KEY,
  CAPTURED_SUMS,
  LEVEL_NAMES,
  type Level,
  PROGRAM_KEY,
  TRAFFIC_KEY,
} from './rollup-tables.ts';
import type { Sqlite } from './sqlite.ts';
import { SumMap } from './sum-map.ts';
import { type Place, TrafficMinutes } from './traffic-minutes.ts';

/**
 * Collects what a tick changes of the counters by minute, hour and day, and writes it in the transaction of the tick: of
 * minutes that are open to these alone, of others to every level.
 */
export class RollupWriter implements ShareSink {
  readonly #changes = new SumMap(TRAFFIC_KEY.length, TRAFFIC_SUMS.length);
  readonly #other = new SumMap(TRAFFIC_KEY.length, TRAFFIC_SUMS.length);
  readonly #programs = new SumMap(PROGRAM_KEY.length, TRAFFIC_SUMS.length);
  readonly #kinds = new SumMap(CAPTURED_KEY.length, CAPTURED_SUMS.length);
  readonly #minutes: TrafficMinutes;
  readonly #fold: MinuteFold;
  readonly #traffic: Readonly<Record<Exclude<Level, 'minute'>, CounterTable>>;
  readonly #program: Readonly<Record<Level, CounterTable>>;
  readonly #captured: Readonly<Record<Level, CounterTable>>;
  readonly #remotes: RemoteTotals;
  readonly #processes: ProcessTotals;

  constructor(db: Sqlite, fold: MinuteFold) {
    this.#fold = fold;
    const tables = (name: string, key: readonly string[], sums: readonly string[]) => ({
      minute: new CounterTable(db, `${name}_minute`, key, sums),
      hour: new CounterTable(db, `${name}_hour`, key, sums),
      day: new CounterTable(db, `${name}_day`, key, sums),
    });
    this.#minutes = new TrafficMinutes(db);
    this.#traffic = tables('traffic', TRAFFIC_KEY, TRAFFIC_SUMS);
    this.#program = tables('program', PROGRAM_KEY, TRAFFIC_SUMS);
    this.#captured = tables('captured', CAPTURED_KEY, CAPTURED_SUMS);
    this.#remotes = new RemoteTotals(db);
    this.#processes = new ProcessTotals(db);
  }

  traffic(key: readonly number[], sums: readonly number[]): void {
    this.#changes.add(key, sums);
  }

  captured(key: readonly number[], sums: readonly number[]): void {
    this.#kinds.add(key, sums);
  }

  process(process: number, sums: readonly number[], lastUs: Us): void {
    this.#processes.add(process, sums, lastUs);
  }

  write(): void {
    this.#changes.take((row, isLess) => {
      // The key of a program is the beginning of that of traffic.
      if (!this.#fold.isOpen(row[0]!)) this.#programs.add(row, row, TRAFFIC_KEY.length);
      this.#minutes.add(row, isLess, this.#place);
    });
    this.#other.take((row, isLess) => {
      this.#minutes.addOther(row, isLess);
      this.#addCoarser(row, isLess);
    });
    addAll(this.#program, this.#programs);
    addAll(this.#captured, this.#kinds);
    this.#processes.write();
    this.#fold.closeOld();
  }

  /** What was collected is of a transaction that came to nothing. */
  rollback(): void {
    for (const map of [this.#changes, this.#other, this.#programs, this.#kinds]) map.clear();
    this.#minutes.rollback();
    this.#processes.rollback();
  }

  readonly #place: Place = (row, isOther, isLess) => {
    if (isOther) this.#other.add(row, row, TRAFFIC_KEY.length);
    else this.#addCoarser(row, isLess);
  };

  #addCoarser(row: number[], isLess: boolean): void {
    if (this.#fold.isOpen(row[0]!)) return;
    this.#remotes.add(row, isLess);
    this.#traffic.hour.add(inBucket(row, 'hour'), isLess);
    this.#traffic.day.add(inBucket(row, 'day'), isLess);
  }
}

function addAll(tables: Readonly<Record<Level, CounterTable>>, changes: SumMap): void {
  changes.take((row, isLess) => {
    for (const level of LEVEL_NAMES) tables[level].add(inBucket(row, level), isLess);
  });
}

/** @returns the same row, of a coarser level from now on */
function inBucket(row: number[], level: Level): readonly number[] {
  row[0] = bucketOf(level, row[0]!);
  return row;
}
