/** Deletes what is too old or too much, in small pieces: a recorder goes on between them. */
import { MINUTE_US, type Us } from '../core/time.ts';
import type { AddressSweep } from './address-sweep.ts';
import type { MinuteFold } from './minute-fold.ts';
import { dropNames, processesOfNames, ranges } from './name-sweep.ts';
import { dropRemotes } from './remote-totals.ts';
import {
  bucketOf,
  CAPTURED_KEY,
  CAPTURED_SUMS,
  Captured,
  type Level,
  PROGRAM_KEY,
  TRAFFIC_KEY,
} from './rollup-tables.ts';
import type { Sqlite, Statement } from './sqlite.ts';

/** How long things are kept; null: forever. */
export interface Keep {
  readonly flows: Us | null;
  readonly sockets: Us | null; // the ownership history; never shorter than the flows that point at it
  readonly minute: Us | null;
  readonly hour: Us | null;
  readonly day: Us | null;
  readonly maxBytes: number | null; // of the database file
}

/** Rows that go between two looks at the clock: some 3 ms. */
const SLICE = 200;
/** Slices of flows that go before the sockets that only they needed. */
const SLICES_AT_ONCE = 50;
/** Free pages that stay in the file: the next tick needs some. */
const MOST_FREE = 16;
/** Pages given back between two looks at the clock. */
const VACUUM_PAGES = 64;
/** A database that is too large shrinks to this part of what it may be, so that it is not too large again at once. */
const ENOUGH = 0.97;
/**
 * Sockets and processes outlive the flows that name them by so much: nothing may point at what is gone. A socket also has
 * its row by then, at the latest, so that rows of it come about in the order of their times.
 */
const SLACK_US = 2 * 3600e6;
const ANY_AGE = Number.MAX_SAFE_INTEGER;
/** Whole rows of counters go with the coarser bucket: a range is then complete in hours, or in days. */
const COARSER = { minute: 'hour', hour: 'day', day: 'day' } as const satisfies Record<Level, Level>;
const KEYS = { traffic: TRAFFIC_KEY, program: PROGRAM_KEY, captured: CAPTURED_KEY } as const;

const OLDEST_FLOWS = `SELECT id FROM flow WHERE first_us < ? AND last_us < ? AND end_reason IS NOT NULL
  ORDER BY first_us LIMIT ${SLICE}`;
const DELETE_FLOWS = `DELETE FROM flow WHERE id IN (${OLDEST_FLOWS}) RETURNING last_us,
  orig_packets + reply_packets, orig_bytes + reply_bytes, orig_ip_bytes + reply_ip_bytes`;
const NOTE = `UPDATE kept SET from_us = max(from_us, ?), flows = flows + ?, packets = packets + ?, bytes = bytes + ?,
  ip_bytes = ip_bytes + ? WHERE what = ?`;

const DROP_PROGRAMS = `DELETE FROM program WHERE id NOT IN (
  SELECT program FROM process UNION SELECT program FROM traffic_minute
  UNION SELECT program FROM program_minute UNION SELECT program FROM program_hour UNION SELECT program FROM program_day
  UNION SELECT program FROM remote_program
  UNION SELECT src_program FROM flow WHERE src_program IS NOT NULL
  UNION SELECT dst_program FROM flow WHERE dst_program IS NOT NULL)`;

export class Retention {
  readonly #db: Sqlite;
  readonly #keep: Keep;
  readonly #fold: MinuteFold;
  readonly #deleteFlows: Statement<number[]>;
  readonly #note: Statement;
  readonly #keptFrom: Statement<number>;
  readonly #onSweep: () => AddressSweep;
  readonly #isAlone: boolean;
  #isDirty = false; // something went since the last look for what it alone pointed at

  /**
   * @param isAlone nobody records: everything that nothing points at may go, however long it takes to find
   * @param onSweep gives the search for addresses that nothing points at
   */
  constructor(db: Sqlite, keep: Keep, fold: MinuteFold, isAlone: boolean, onSweep: () => AddressSweep) {
    this.#db = db;
    this.#keep = keep;
    this.#fold = fold;
    this.#isAlone = isAlone;
    this.#deleteFlows = db.prepare(DELETE_FLOWS).raw() as Statement<number[]>;
    this.#note = db.prepare(NOTE);
    this.#keptFrom = db.prepare('SELECT from_us FROM kept WHERE what = ?').pluck() as Statement<number>;
    this.#onSweep = onSweep;
  }

  /** Everything there is to do, in pieces of some milliseconds; between any two a transaction may end. */
  *work(nowUs: Us): Generator<void> {
    const { flows, sockets, maxBytes } = this.#keep;
    if (flows !== null) yield* this.#dropFlows(nowUs - flows);
    for (const level of ['minute', 'hour', 'day'] as const) {
      const age = this.#keep[level];
      if (age !== null) yield* this.#dropBuckets(level, nowUs - age);
    }
    if (maxBytes !== null) yield* this.#shrink(maxBytes, nowUs);
    const flowsUs = this.#since('flows', flows, nowUs) - SLACK_US;
    const pointedUs = this.#hasFlows() ? flowsUs : nowUs - SLACK_US;
    const socketsUs = Math.min(pointedUs, this.#since('sockets', sockets, nowUs));
    yield* this.#dropSockets(socketsUs, () => false);
    yield* this.#dropTranslations(this.#keptFrom.get('sockets')!);
    if (this.#isDirty || this.#isAlone) yield* this.#dropOrphans(flowsUs, socketsUs);
    this.#isDirty = false;
    yield* this.#giveBack();
  }

  /** What is older is gone, or goes now. */
  #since(what: 'flows' | 'sockets', age: Us | null, nowUs: Us): Us {
    return Math.max(this.#keptFrom.get(what)!, age === null ? 0 : nowUs - age);
  }

  #hasFlows(): boolean {
    return this.#db.prepare('SELECT 1 FROM flow LIMIT 1').get() !== undefined;
  }

  *#dropFlows(untilUs: Us): Generator<void> {
    while (this.#dropSomeFlows(untilUs) > 0) yield;
  }

  /** @returns rows that went: ended flows only */
  #dropSomeFlows(untilUs: Us): number {
    const gone = this.#deleteFlows.all(untilUs, untilUs);
    if (gone.length === 0) return 0;
    const sum = (column: number) => gone.reduce((total, row) => total + row[column]!, 0);
    const latestUs = gone.reduce((latest, row) => Math.max(latest, row[0]!), 0);
    const fromUs = untilUs === ANY_AGE ? latestUs + 1 : untilUs;
    this.#note.run(fromUs, gone.length, sum(1), sum(2), sum(3), 'flows');
    this.#isDirty = true;
    return gone.length;
  }

  /** What is noted first holds while the rows go: readers take the coarser level from then on. */
  *#dropBuckets(level: Level, untilUs: Us): Generator<void> {
    const fromUs = bucketOf(COARSER[level], untilUs);
    const hasSome = this.#db.prepare(`SELECT 1 FROM captured_${level} WHERE bucket_us < ?`).pluck();
    if (hasSome.get(fromUs) === undefined) return;
    this.#fold.closeBefore(fromUs);
    if (level === 'day') this.#noteDays(fromUs);
    else this.#note.run(fromUs, 0, 0, 0, 0, level);
    for (const name of ['traffic', 'program', 'captured'] as const) {
      const key = `(${KEYS[name].join(', ')})`;
      const some = `SELECT ${KEYS[name].join(', ')} FROM ${name}_${level} WHERE bucket_us < ? LIMIT ${SLICE}`;
      const drop = this.#db.prepare(`DELETE FROM ${name}_${level} WHERE ${key} IN (${some})`);
      while (drop.run(fromUs).changes > 0) yield;
    }
    if (level === 'day') yield* this.#dropRemotes(fromUs, () => false);
  }

  *#dropRemotes(untilUs: Us, isEnough: () => boolean): Generator<void> {
    yield* dropRemotes(this.#db, untilUs, isEnough, (lastUs) => {
      this.#note.run(lastUs + MINUTE_US, 0, 0, 0, 0, 'remotes');
      this.#isDirty = true;
    });
  }

  #noteDays(fromUs: Us): void {
    const sums = this.#db
      .prepare(
        `SELECT ${CAPTURED_SUMS.map((name) => `coalesce(sum(${name}), 0)`).join(', ')} FROM captured_day
        WHERE bucket_us < ? AND kind < ${Captured.Beside} AND kind <> ${Captured.NotIp}`,
      )
      .raw()
      .get(fromUs) as number[];
    this.#note.run(fromUs, ...sums, 'day');
  }

  /**
   * The history of sockets goes first as far as no flow needs it, and again whenever some of the oldest flows went, then the
   * oldest minutes, then hours, at last totals of remotes: what is coarse tells the most in the least room.
   */
  *#shrink(maxBytes: number, nowUs: Us): Generator<void> {
    if (this.#usedBytes() <= maxBytes) return;
    this.#fold.closeBefore(Number.POSITIVE_INFINITY); // what is closed later would make it larger again
    const enough = () => this.#usedBytes() <= maxBytes * ENOUGH;
    let hasFlows: boolean;
    do {
      hasFlows = this.#hasFlows();
      yield* this.#dropSockets((hasFlows ? this.#since('flows', this.#keep.flows, nowUs) : nowUs) - SLACK_US, enough);
      for (let slice = 0; slice < SLICES_AT_ONCE && hasFlows && !enough(); slice++) {
        hasFlows = this.#dropSomeFlows(ANY_AGE) > 0;
        yield;
      }
    } while (hasFlows && !enough());
    for (const level of ['minute', 'hour'] as const) {
      while (!enough()) {
        const oldest = this.#db.prepare(`SELECT min(bucket_us) FROM captured_${level}`).pluck().get() as Us | null;
        const latest = this.#db.prepare(`SELECT max(bucket_us) FROM captured_${level}`).pluck().get() as Us | null;
        if (oldest === null || latest === null || bucketOf(COARSER[level], oldest) === bucketOf(COARSER[level], latest))
          break;
        const next = { minute: 3600e6, hour: 86_400e6 }[level];
        yield* this.#dropBuckets(level, bucketOf(COARSER[level], oldest) + next);
      }
    }
    yield* this.#dropRemotes(ANY_AGE, enough);
  }

  /**
   * Sockets that ended before `untilUs`, and their holders. Rows come in about the order of their times, so a recorder
   * looks no further than to one that began long after: tens of millions may follow. What was read from old files goes
   * once the others around it are old, or by who is alone.
   */
  *#dropSockets(untilUs: Us, isEnough: () => boolean): Generator<void> {
    const rows = this.#db.prepare('SELECT id, from_us, to_us FROM socket WHERE id > ? AND id <= ?').raw();
    const drop = this.#db.prepare('DELETE FROM socket WHERE id = ?');
    const holders = this.#db.prepare('DELETE FROM holder WHERE socket = ?');
    for (const range of ranges(this.#db, 'socket')) {
      let [gone, latestUs] = [0, 0];
      for (const [socket, fromUs, toUs] of rows.all(...range) as [number, Us, Us][]) {
        latestUs = Math.max(latestUs, fromUs);
        if (toUs >= untilUs) continue;
        if (gone++ % SLICE === 0) {
          yield;
          if (isEnough()) return;
        }
        drop.run(socket);
        holders.run(socket);
        this.#note.run(toUs + 1, 0, 0, 0, 0, 'sockets');
        this.#isDirty = true;
      }
      if (!this.#isAlone && latestUs > untilUs + SLACK_US) return;
      yield;
    }
  }

  /** Translations that ended before `untilUs`: they are of use as long as their sockets are. */
  *#dropTranslations(untilUs: Us): Generator<void> {
    const drop = this.#db.prepare('DELETE FROM translation WHERE id > ? AND id <= ? AND to_us < ?');
    const latest = this.#db.prepare('SELECT max(from_us) FROM translation WHERE id > ? AND id <= ?').pluck();
    for (const range of ranges(this.#db, 'translation')) {
      const latestUs = Number(latest.get(...range));
      if (drop.run(...range, untilUs).changes > 0) this.#isDirty = true;
      if (!this.#isAlone && latestUs > untilUs + SLACK_US) return; // as with sockets
      yield;
    }
  }

  /**
   * Names of before `flowsUs`, processes of before `socketsUs` and addresses that nothing points at. What points goes
   * before what it points at: numbers of rows are used again.
   */
  *#dropOrphans(flowsUs: Us, socketsUs: Us): Generator<void> {
    yield* dropNames(this.#db, flowsUs);
    const kept = yield* processesOfNames(this.#db);
    yield* this.#dropProcesses(socketsUs, kept);
    yield* this.#onSweep().work();
    if (this.#isAlone) this.#db.exec(DROP_PROGRAMS); // a recorder remembers the rows of its programs
  }

  *#dropProcesses(untilUs: Us, kept: ReadonlySet<number>): Generator<void> {
    const old = this.#db
      .prepare('SELECT id FROM process WHERE id > ? AND id <= ? AND last_us < ? AND coalesce(exit_us, last_us) < ?')
      .pluck();
    const drop = this.#db.prepare('DELETE FROM process WHERE id = ?');
    const total = this.#db.prepare('DELETE FROM process_total WHERE process = ?');
    for (const range of ranges(this.#db, 'process')) {
      for (const row of old.all(...range, untilUs, untilUs) as number[]) {
        if (kept.has(row)) continue;
        drop.run(row);
        total.run(row);
      }
      yield;
    }
  }

  *#giveBack(): Generator<void> {
    while (Number(this.#db.pragma('freelist_count', { simple: true })) > MOST_FREE) {
      this.#db.pragma(`incremental_vacuum(${VACUUM_PAGES})`);
      yield;
    }
  }

  #usedBytes(): number {
    const of = (name: string) => Number(this.#db.pragma(name, { simple: true }));
    return (of('page_count') - of('freelist_count')) * of('page_size');
  }
}
