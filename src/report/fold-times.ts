import { DAY_US, HOUR_US, MINUTE_US, type Us } from '../core/time.ts';
import { USAGE_SUMS } from '../core/usage.ts';
import { numberOf, type Row } from './columns.ts';
import type { Zone } from './local-time.ts';

const UNITS = { minute: MINUTE_US, hour: HOUR_US, day: DAY_US } as const;

/**
 * Adds rows of buckets up to minutes, hours or days of a zone, which begin where its clock does, whatever the first
 * bucket in them. A day on which clocks change has 23 or 25 hours.
 */
export function foldTimes(
  rows: readonly Row[],
  unit: keyof typeof UNITS,
  zone: Zone,
  direction: 'asc' | 'desc',
): readonly Row[] {
  const begins = new Map<Us, Record<string, number>>(); // of local time
  for (const row of rows) {
    const us = numberOf(row, 'bucket_us');
    const local = us + zone(us);
    const begin = local - (local % UNITS[unit]);
    const beginUs = begin - zone(begin - zone(us)); // clocks may have changed since
    const sums = begins.get(begin) ?? { bucket_us: beginUs };
    sums.bucket_us = Math.min(sums.bucket_us!, beginUs);
    for (const name of USAGE_SUMS) sums[name] = (sums[name] ?? 0) + numberOf(row, name);
    begins.set(begin, sums);
  }
  const total = rows.reduce((sum, row) => sum + numberOf(row, 'ip_bytes'), 0);
  const empty = Object.fromEntries(Object.keys(rows[0] ?? {}).map((name) => [name, null]));
  return [...begins]
    .sort(([a], [b]) => (direction === 'asc' ? a - b : b - a))
    .map(([, sums]) => ({ ...empty, ...sums, share: total === 0 ? null : sums.ip_bytes! / total }));
}
