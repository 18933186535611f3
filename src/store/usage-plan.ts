/** Which counters answer a question about a range of time: the coarsest that do, so that a year costs what a day does. */
import type { Us } from '../core/time.ts';
import type { CompiledQuery } from './compile-query.ts';
import { bucketOf, LEVEL_NAMES, LEVELS, type Level } from './rollup-tables.ts';

/** Buckets of one level, from `fromUs` to before `toUs`. */
export interface Segment {
  readonly level: Level;
  readonly fromUs: Us;
  readonly toUs: Us;
}

/** From when on each level is complete: what is older was deleted. */
export type KeptFrom = Readonly<Record<Level, Us>>;

export interface Range {
  readonly fromUs: Us;
  readonly toUs: Us; // not included
}

/** Later than any time that can be stored. */
export const END_OF_TIME: Us = bucketOf('day', Number.MAX_SAFE_INTEGER);

/** Widens a range to whole minutes; where minutes or hours were deleted, to whole hours or days. */
export function widen({ fromUs, toUs }: Range, kept: KeptFrom): Range {
  const levelAt = (us: Us): Level => (us < kept.hour ? 'day' : us < kept.minute ? 'hour' : 'minute');
  const from = bucketOf(levelAt(fromUs), fromUs);
  const level = levelAt(toUs);
  const to = bucketOf(level, toUs);
  return { fromUs: from, toUs: to === toUs ? to : to + LEVELS[level] };
}

/**
 * @param range as widen() gives it
 * @param coarsest level that may be used, where finer ones are kept
 */
export function segmentsOf({ fromUs, toUs }: Range, kept: KeptFrom, coarsest: Level = 'day'): readonly Segment[] {
  const edges = [fromUs, kept.hour, kept.minute, toUs].map((us) => Math.min(Math.max(us, fromUs), toUs));
  edges.sort((a, b) => a - b);
  const segments: Segment[] = [];
  for (let i = 1; i < edges.length; i++) {
    const [from, to] = [edges[i - 1]!, edges[i]!];
    const finest: Level = from < kept.hour ? 'day' : from < kept.minute ? 'hour' : 'minute';
    segments.push(...split(from, to, rankOf(coarsest) < rankOf(finest) ? finest : coarsest));
  }
  return segments;
}

const rankOf = (level: Level): number => LEVEL_NAMES.indexOf(level);

function split(fromUs: Us, toUs: Us, level: Level): readonly Segment[] {
  if (fromUs >= toUs) return [];
  const end = bucketOf(level, toUs);
  const begin = bucketOf(level, fromUs) === fromUs ? fromUs : bucketOf(level, fromUs) + LEVELS[level];
  const finer = LEVEL_NAMES[rankOf(level) - 1];
  if (finer === undefined) return [{ level, fromUs, toUs }];
  if (begin >= end) return split(fromUs, toUs, finer);
  return [...split(fromUs, begin, finer), { level, fromUs: begin, toUs: end }, ...split(end, toUs, finer)];
}

/** Rows of the view `kept`, and the first and last bucket there is (null: none). */
export function compileKept(): CompiledQuery {
  return {
    sql: `SELECT what, from_us, coalesce((SELECT min(bucket_us) FROM captured_minute), (SELECT min(bucket_us) FROM captured_day)) AS first_us,
  coalesce((SELECT max(bucket_us) FROM captured_minute), (SELECT max(bucket_us) FROM captured_day)) AS last_us FROM kept`,
    params: [],
  };
}
