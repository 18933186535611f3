/** Small pictures of a row: its size beside the largest, and its course over the range. */
import { numberOf, type Row } from './columns.ts';

const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];
const HEIGHTS = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
const WIDTH = 8;

/** `part` of a bar of eight cells, 0 to 1; whatever is more than nothing can be seen. */
function bar(part: number): string {
  const eighths = part > 0 ? Math.max(1, Math.round(part * WIDTH * 8)) : 0;
  return '█'.repeat(eighths >> 3) + EIGHTHS[eighths & 7];
}

/** A cell per value; nothing is a space. */
function sparkline(values: readonly number[]): string {
  const most = Math.max(...values);
  const cell = (value: number) => (value <= 0 ? ' ' : HEIGHTS[Math.min(7, Math.floor((value / most) * 8))]);
  return values.map(cell).join('').trimEnd();
}

const SUMS = /^(flows|share|slot|(ip|tx|rx)_.*|packets)$/;
const keyOf = (row: Row) => JSON.stringify(Object.entries(row).filter(([name]) => !SUMS.test(name)));

/** @param trends rows of the same groups with a `slot` from 0 to `slots` - 1 */
export function withBars(rows: readonly Row[], trends: readonly Row[], slots: number): readonly Row[] {
  const most = rows.reduce((max, row) => Math.max(max, numberOf(row, 'ip_bytes')), 0);
  const courses = new Map<string, number[]>();
  for (const row of trends) {
    const key = keyOf(row);
    const course = courses.get(key) ?? new Array<number>(slots).fill(0);
    course[numberOf(row, 'slot')] = numberOf(row, 'ip_bytes');
    courses.set(key, course);
  }
  return rows.map((row) => {
    const course = courses.get(keyOf(row));
    const trend = course === undefined ? '' : sparkline(course);
    return { ...row, bar: most === 0 ? '' : bar(numberOf(row, 'ip_bytes') / most), trend };
  });
}
