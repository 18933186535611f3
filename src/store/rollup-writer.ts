import { CounterTable } from './counter-table.ts';
import type { ShareSink } from './flow-share.ts';
import {
  bucketOf,
  CAPTURED_KEY,
  CAPTURED_SUMS,
  LEVEL_NAMES,
  type Level,
  PROGRAM_KEY,
  TRAFFIC_KEY,
  TRAFFIC_SUMS,
} from './rollup-tables.ts';
import type { Sqlite } from './sqlite.ts';
import { SumMap } from './sum-map.ts';
import { TrafficMinutes } from './traffic-minutes.ts';

const PROGRAM_PARTS = PROGRAM_KEY.length;

/** Collects what a tick changes of the counters by minute, hour and day, and writes it in the transaction of the tick. */
export class RollupWriter implements ShareSink {
  readonly #changes = new SumMap(); // by key of traffic
  readonly #other = new SumMap();
  readonly #programs = new SumMap();
  readonly #kinds = new SumMap();
  readonly #minutes: TrafficMinutes;
  readonly #traffic: Readonly<Record<Exclude<Level, 'minute'>, CounterTable>>;
  readonly #program: Readonly<Record<Level, CounterTable>>;
  readonly #captured: Readonly<Record<Level, CounterTable>>;

  constructor(db: Sqlite) {
    const tables = (name: string, key: readonly string[], sums: readonly string[]) => ({
      minute: new CounterTable(db, `${name}_minute`, key, sums),
      hour: new CounterTable(db, `${name}_hour`, key, sums),
      day: new CounterTable(db, `${name}_day`, key, sums),
    });
    this.#minutes = new TrafficMinutes(db);
    this.#traffic = tables('traffic', TRAFFIC_KEY, TRAFFIC_SUMS);
    this.#program = tables('program', PROGRAM_KEY, TRAFFIC_SUMS);
    this.#captured = tables('captured', CAPTURED_KEY, CAPTURED_SUMS);
  }

  traffic(key: readonly number[], sums: readonly number[]): void {
    this.#changes.add(key, sums);
  }

  captured(key: readonly number[], sums: readonly number[]): void {
    this.#kinds.add(key, sums);
  }

  write(): void {
    for (const [key, sums] of this.#changes.take()) {
      this.#programs.add(key.slice(0, PROGRAM_PARTS), sums);
      this.#minutes.add(key, sums, (place, part) => {
        if (place === key) this.#addCoarser(place, part);
        else this.#other.add(place, part);
      });
    }
    for (const [key, sums] of this.#other.take()) {
      this.#minutes.addOther(key, sums);
      this.#addCoarser(key, sums);
    }
    addAll(this.#program, this.#programs);
    addAll(this.#captured, this.#kinds);
  }

  /** What was collected is of a transaction that came to nothing. */
  rollback(): void {
    for (const map of [this.#changes, this.#other, this.#programs, this.#kinds]) map.clear();
    this.#minutes.rollback();
  }

  #addCoarser(key: readonly number[], sums: readonly number[]): void {
    this.#traffic.hour.add(inBucket(key, 'hour'), sums);
    this.#traffic.day.add(inBucket(key, 'day'), sums);
  }
}

function addAll(tables: Readonly<Record<Level, CounterTable>>, changes: SumMap): void {
  for (const [key, sums] of changes.take()) {
    for (const level of LEVEL_NAMES) tables[level].add(inBucket(key, level), sums);
  }
}

function inBucket([minuteUs, ...rest]: readonly number[], level: Level): readonly number[] {
  return [bucketOf(level, minuteUs!), ...rest];
}
