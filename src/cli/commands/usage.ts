import { Command, Option } from 'commander';
import { foldTimes } from '../../report/fold-times.ts';
import { formatLocal, localZone, utcZone, type Zone } from '../../report/local-time.ts';
import { withBars } from '../../report/usage-bars.ts';
import { TERMINAL_COLUMNS, USAGE_DEFAULT_COLUMNS, USAGE_FIELDS, usageColumns } from '../../report/usage-columns.ts';
import { compileUsage, sourceOf, USAGE_SORTS, type UsageQuery } from '../../store/compile-usage.ts';
import { Reader, type Row } from '../../store/reader.ts';
import type { Level } from '../../store/rollup-tables.ts';
import { GROUPS, type GroupBy } from '../../store/usage-groups.ts';
import { END_OF_TIME, segmentsOf } from '../../store/usage-plan.ts';
import type { CommandModule, Context } from '../context.ts';
import { resolveDatabaseToRead } from '../database-path.ts';
import { addFilterOptions, type FilterFlags, filterOf } from '../filters.ts';
import {
  addFormatOptions,
  columnsOf,
  type FormatFlags,
  limitOf,
  note,
  parseSort,
  printRows,
  probeOf,
} from '../formats.ts';
import { whyNoFlows } from '../stored-list.ts';
import { type AskedRange, askedRange, coarsestFor, trendLevel } from '../usage-range.ts';
import { printSum } from '../usage-sum.ts';

interface UsageFlags extends FilterFlags, FormatFlags {
  readonly db?: string;
  readonly by: GroupBy;
  readonly sort?: string;
  readonly utc?: boolean;
}

const EXAMPLES = `
Examples:
  pcapid usage --since 1h                    bytes by program in the last hour
  pcapid usage --by unit --since today
  pcapid usage --by hour --user alice --since yesterday
  pcapid usage --by remote --port 443        port of the service, not of the client
  pcapid usage --by pid --format csv > usage.csv

Bytes are IP bytes, seen from each end that is on this host: a flow between two
processes of this host counts at both. Rows in parentheses are ends without a
process, by reason. The lines below count every flow once and add up exactly; an
interface has what the kernel itself counted while recordings ran that lie in the
range as a whole.
Ranges are widened to whole minutes. By pid, name or interface, and with --pid,
--process or --name, flows are read instead: slower, the range is exact, and a
flow that is only partly inside it is counted whole.`;

const isTime = (by: GroupBy): by is Level => by === 'minute' || by === 'hour' || by === 'day';
const TREND_SLOTS = 10;

export const usage: CommandModule = (context) =>
  addFormatOptions(addFilterOptions(new Command('usage').option('--db <file>', 'database to read')))
    .description('Adds up what was sent and received.')
    .addOption(new Option('--by <group>', 'what to add up by').choices(GROUPS).default('process'))
    .option('--sort <field>', `one of ${Object.keys(USAGE_SORTS).join(', ')} (default: total, of times name)`)
    .option('--utc', 'times are UTC, days begin at midnight UTC')
    .addHelpText('after', EXAMPLES)
    .action((flags: UsageFlags) => addUp(context, flags));

function addUp(context: Context, flags: UsageFlags): void {
  const zone = flags.utc === true ? utcZone : localZone;
  const defaults = context.outIsTerminal ? TERMINAL_COLUMNS : USAGE_DEFAULT_COLUMNS;
  const printing = { available: usageColumns(flags.by, zone), defaults, fields: USAGE_FIELDS };
  const isDrawn = columnsOf(flags, printing).some(({ name }) => name === 'trend') && flags.format === 'table';
  const order = parseSort(flags.sort ?? (isTime(flags.by) ? 'name' : 'total'), USAGE_SORTS);
  const asked = filterOf(flags, context.nowUs(), zone);
  const { sinceUs, untilUs, ...filter } = asked;
  const reader = Reader.open(resolveDatabaseToRead(context, flags.db));
  try {
    const range = askedRange(reader, sinceUs, untilUs);
    const isOfFlows = sourceOf(filter, flags.by) === null; // these know their times to the microsecond
    const query: UsageQuery = {
      ...{ filter: isOfFlows ? asked : filter, groupBy: flags.by, order },
      segments: segmentsOf(range, range.kept, isTime(flags.by) ? coarsestFor(flags.by, range, zone) : 'day'),
      limit: isTime(flags.by) ? null : probeOf(limitOf(flags)),
    };
    const found = reader.all(compileUsage(query));
    const rows = isTime(flags.by) ? foldTimes(found, flags.by, zone, order.direction) : found;
    const trends = isDrawn ? trendsOf(reader, query, range) : [];
    const drawn = withBars(rows, trends, TREND_SLOTS).map((row) => ({ group_by: flags.by, ...row }));
    printRows(context, drawn, flags, { ...printing, whyEmpty: () => whyNoFlows(reader) });
    if (rows.length > 0) printSum(context, reader, { query, range, format: flags.format });
    if (range.isAsked && rows.length > 0 && !isOfFlows) note(context, flags.format, rangeWords(range, zone));
  } finally {
    reader.close();
  }
}

/** The same groups, each cut in parts of the range. */
function trendsOf(reader: Reader, query: UsageQuery, range: AskedRange): readonly Row[] {
  if (sourceOf(query.filter, query.groupBy) === null || isTime(query.groupBy)) return [];
  const segments = segmentsOf(range, range.kept, trendLevel(range));
  const slots = { fromUs: range.dataFromUs, toUs: range.dataToUs, count: TREND_SLOTS };
  return reader.all(compileUsage({ ...query, segments, slots, limit: null }));
}

function rangeWords({ fromUs, toUs }: AskedRange, zone: Zone): string {
  const minute = (us: number) => formatLocal(us, zone).slice(0, 16);
  const from = fromUs === 0 ? [] : [`from ${minute(fromUs)}`];
  return `range used: ${[...from, ...(toUs === END_OF_TIME ? [] : [`to ${minute(toUs)}`])].join(' ')}`;
}
