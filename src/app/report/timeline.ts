/** When which program sent and received: the counters of the range, cut in equal parts. */
import type { Course, ReportRow, Timeline } from '../../core/report.ts';
import { DAY_US, HOUR_US, MINUTE_US, type Us } from '../../core/time.ts';
import { USAGE_KEYS } from '../../core/usage.ts';
import { compileUsage, sourceOf } from '../../store/compile-usage.ts';
import type { FlowFilter } from '../../store/conditions.ts';
import type { Reader } from '../../store/reader.ts';
import type { Level } from '../../store/rollup-tables.ts';
import { segmentsOf } from '../../store/usage-plan.ts';
import type { ReportRange } from './report-range.ts';

/** As many bars as can be told apart on a page. */
const MOST_SLOTS = 72;
/** As many colours. */
const MOST_COURSES = 6;
const WIDTHS: readonly Us[] = [
  ...[1, 2, 5, 10, 15, 30].map((minutes) => minutes * MINUTE_US),
  ...[1, 2, 3, 6, 12].map((hours) => hours * HOUR_US),
  ...[1, 2, 7, 14, 28].map((days) => days * DAY_US),
];

/** @param programs rows of groups, the largest first @param flows which ones */
export function timelineOf(
  reader: Reader,
  range: ReportRange,
  programs: readonly ReportRow[],
  { sinceUs: _, untilUs: __, ...filter }: FlowFilter,
): Timeline {
  const { fromUs, toUs, count, widthUs } = slotsOf(range);
  const named = programs.filter(({ reason }) => reason === null).slice(0, MOST_COURSES);
  const empty = () => new Array<number>(count).fill(0);
  if (filter.port !== undefined || sourceOf(filter, 'process') === null) {
    const ofColour = named.map((group) => ({ kind: 'program' as const, group, ip_bytes: [] }));
    return { from_us: fromUs, slot_us: widthUs, slots: 0, courses: ofColour };
  }
  const courses = new Map<string, number[]>(named.map((group) => [keyOf(group), empty()]));
  const [others, unattributed] = [empty(), empty()];
  const rows = reader.rows(
    compileUsage({
      ...{ filter, groupBy: 'process', order: { by: 'total', direction: 'desc' }, limit: null },
      segments: segmentsOf(range, range.kept, levelOf(widthUs)),
      slots: { fromUs, toUs, count },
    }),
  );
  for (const row of rows) {
    const course = row.reason === null ? (courses.get(keyOf(row)) ?? others) : unattributed;
    course[Number(row.slot)]! += Number(row.ip_bytes);
  }
  const all: Course[] = [
    ...named.map((group) => ({ kind: 'program' as const, group, ip_bytes: courses.get(keyOf(group))! })),
    { kind: 'others', group: null, ip_bytes: others },
    { kind: 'unattributed', group: null, ip_bytes: unattributed },
  ];
  const isSeen = ({ kind, ip_bytes }: Course) => kind === 'program' || ip_bytes.some((octets) => octets > 0);
  return { from_us: fromUs, slot_us: widthUs, slots: count, courses: all.filter(isSeen) };
}

/** Slots begin at multiples of their width, so that those of hours and days are hours and days (UTC). */
function slotsOf({ dataFromUs, dataToUs }: ReportRange) {
  const fits = (widthUs: Us): boolean => countOf(widthUs) <= MOST_SLOTS;
  const beginOf = (widthUs: Us): Us => dataFromUs - (dataFromUs % widthUs);
  const countOf = (widthUs: Us): number => Math.ceil((dataToUs - beginOf(widthUs)) / widthUs);
  const longest = Math.ceil((dataToUs - dataFromUs) / (MOST_SLOTS - 1) / DAY_US) * DAY_US;
  const widthUs = WIDTHS.find(fits) ?? longest;
  const fromUs = beginOf(widthUs);
  const count = countOf(widthUs);
  return { fromUs, toUs: fromUs + count * widthUs, count, widthUs };
}

const levelOf = (widthUs: Us): Level => (widthUs % DAY_US === 0 ? 'day' : widthUs % HOUR_US === 0 ? 'hour' : 'minute');

const keyOf = (row: ReportRow): string => JSON.stringify(USAGE_KEYS.map((name) => row[name]));
