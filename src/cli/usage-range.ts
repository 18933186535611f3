/** The range of time that usage adds up: what was asked for, as the stored counters can answer it. */
import { DAY_US, HOUR_US, MINUTE_US, type Us } from '../core/time.ts';
import type { Zone } from '../report/local-time.ts';
import type { Reader } from '../store/reader.ts';
import { LEVELS, type Level } from '../store/rollup-tables.ts';
import { compileKept, END_OF_TIME, type KeptFrom, type Range, widen } from '../store/usage-plan.ts';

export interface AskedRange extends Range {
  readonly isAsked: boolean; // --since or --until
  readonly kept: KeptFrom;
  readonly flowsFromUs: Us; // older flows were deleted
  readonly dataFromUs: Us; // the range, cut to what is stored
  readonly dataToUs: Us;
}

export function askedRange(reader: Reader, sinceUs: Us | undefined, untilUs: Us | undefined): AskedRange {
  const rows = reader.all(compileKept());
  const from = (what: string): Us => Number(rows.find((row) => row.what === what)?.from_us ?? 0);
  const kept = { minute: from('minute'), hour: from('hour'), day: from('day') };
  const range = widen({ fromUs: sinceUs ?? 0, toUs: untilUs ?? END_OF_TIME }, kept);
  const [firstUs, lastUs] = [Number(rows[0]?.first_us ?? 0), Number(rows[0]?.last_us ?? 0)];
  const dataToUs = Math.max(Math.min(lastUs + MINUTE_US, range.toUs), range.fromUs + MINUTE_US);
  return {
    ...range,
    isAsked: sinceUs !== undefined || untilUs !== undefined,
    kept,
    flowsFromUs: from('flows'),
    dataFromUs: Math.min(Math.max(firstUs, range.fromUs), dataToUs - MINUTE_US), // of a range before all data: its end
    dataToUs,
  };
}

/** Buckets that begin where hours or days of that zone do. */
export function coarsestFor(unit: Level, { dataFromUs, dataToUs }: AskedRange, zone: Zone): Level {
  const offsets = [dataFromUs, (dataFromUs + dataToUs) / 2, dataToUs].map((us) => zone(us));
  if (unit === 'day' && offsets.every((offset) => offset === 0)) return 'day';
  return unit !== 'minute' && offsets.every((offset) => offset % HOUR_US === 0) ? 'hour' : 'minute';
}

/** Fine enough for ten parts. */
export function trendLevel({ dataFromUs, dataToUs }: AskedRange): Level {
  const spanUs = dataToUs - dataFromUs;
  return spanUs >= 10 * DAY_US ? 'day' : spanUs >= 10 * LEVELS.hour ? 'hour' : 'minute';
}
