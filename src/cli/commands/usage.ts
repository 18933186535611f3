import { Command, Option } from 'commander';
import { numberOf, type Row, textOf } from '../../report/columns.ts';
import { localZone } from '../../report/local-time.ts';
import { countText, formatShare, formatSize } from '../../report/size.ts';
import { USAGE_DEFAULT_COLUMNS, USAGE_FIELDS, usageColumns } from '../../report/usage-columns.ts';
import {
  compileBesides,
  compileConservation,
  compileUsage,
  GROUPS,
  type GroupBy,
  USAGE_SORTS,
} from '../../store/compile-usage.ts';
import type { FlowFilter } from '../../store/conditions.ts';
import { Reader } from '../../store/reader.ts';
import type { CommandModule, Context } from '../context.ts';
import { resolveDatabaseToRead } from '../database-path.ts';
import { addFilterOptions, type FilterFlags, filterOf } from '../filters.ts';
import {
  addFormatOptions,
  columnsOf,
  type FormatFlags,
  limitOf,
  note,
  notePartly,
  parseSort,
  printRows,
  probeOf,
} from '../formats.ts';

interface UsageFlags extends FilterFlags, FormatFlags {
  readonly db?: string;
  readonly by: GroupBy;
  readonly sort: string;
}

const EXAMPLES = `
Examples:
  pcapid usage --since 1h                    bytes by process in the last hour
  pcapid usage --by unit --since today
  pcapid usage --by remote --process chrome  where chrome's bytes went
  pcapid usage --by program --format csv > usage.csv

Bytes are IP bytes, seen from each end that is on this host: a flow between two
processes of this host counts at both. Rows in parentheses are ends without a
process, by reason. The lines below count every flow once and add up exactly.
Flows that are only partly inside --since and --until are counted whole.`;

export const usage: CommandModule = (context) =>
  addFormatOptions(addFilterOptions(new Command('usage').option('--db <file>', 'database to read')))
    .description('Adds up what was sent and received.')
    .addOption(new Option('--by <group>', 'what to add up by').choices(GROUPS).default('process'))
    .option('--sort <field>', `one of ${Object.keys(USAGE_SORTS).join(', ')}`, 'total')
    .addHelpText('after', EXAMPLES)
    .action((flags: UsageFlags) => addUp(context, flags));

function addUp(context: Context, flags: UsageFlags): void {
  const printing = { available: usageColumns(flags.by), defaults: USAGE_DEFAULT_COLUMNS, fields: USAGE_FIELDS };
  columnsOf(flags, printing);
  const filter = filterOf(flags, context.nowUs(), localZone);
  const query = compileUsage(filter, flags.by, parseSort(flags.sort, USAGE_SORTS), probeOf(limitOf(flags)));
  const reader = Reader.open(resolveDatabaseToRead(context, flags.db));
  try {
    const rows = reader.all(query).map((row) => ({ group_by: flags.by, ...row }));
    printRows(context, rows, flags, printing);
    printSum(context, reader, filter, flags);
  } finally {
    reader.close();
  }
}

function printSum(context: Context, reader: Reader, filter: FlowFilter, { format }: UsageFlags): void {
  const parts = reader.all(compileConservation(filter));
  if (parts.length === 0) return;
  if (format === 'table') context.out('\n');
  const [besides] = reader.all(compileBesides(filter));
  for (const line of [...sumLines(parts), ...(besides === undefined ? [] : besidesLines(besides))]) {
    note(context, format, line);
  }
  notePartly(context, total(parts, 'partly'));
}

/** captured = attributed + unattributed by reason, over flows: the lines add up to the first. */
function sumLines(parts: readonly Row[]): readonly string[] {
  const captured = {
    ip_bytes: total(parts, 'ip_bytes'),
    flows: total(parts, 'flows'),
    packets: total(parts, 'packets'),
  };
  const line = (name: string, row: Row) => {
    const share = captured.ip_bytes === 0 ? 0 : numberOf(row, 'ip_bytes') / captured.ip_bytes;
    const counts = `${countText(numberOf(row, 'packets'), 'packet')}, ${countText(numberOf(row, 'flows'), 'flow')}`;
    return `${name.padEnd(22)}${formatSize(numberOf(row, 'ip_bytes')).padStart(9)}${formatShare(share).padStart(9)}  ${counts}`;
  };
  const partName = (part: Row) => (part.attributed === 1 ? 'attributed' : (textOf(part, 'reason') ?? 'not looked up'));
  return [
    line('captured in flows', captured),
    ...parts.map((part, i) => line(`${i === 0 ? '=' : '+'} ${partName(part)}`, part)),
  ];
}

/** What whole captures counted beside their flows; nothing of it is in the sum. */
function besidesLines(row: Row): readonly string[] {
  const counts: readonly (readonly [string, string])[] = [
    ['not_ip_packets', 'not IP'],
    ['bad_packets', 'malformed'],
    ['duplicate_packets', 'seen again on another interface'],
    ['kernel_drops', 'dropped by the kernel'],
  ];
  return counts
    .filter(([field]) => numberOf(row, field) > 0)
    .map(([field, words]) => `besides: ${countText(numberOf(row, field), 'packet')} ${words} (whole captures)`);
}

function total(rows: readonly Row[], field: string): number {
  return rows.reduce((sum, row) => sum + numberOf(row, field), 0);
}
