import { Command } from 'commander';
import { numberOf } from '../../report/columns.ts';
import { localZone } from '../../report/local-time.ts';
import { PROCESS_DEFAULT_COLUMNS, PROCESS_FIELDS, processColumns } from '../../report/usage-columns.ts';
import { compileProcesses, PROCESS_SORTS } from '../../store/compile-query.ts';
import { compileConservation } from '../../store/compile-usage.ts';
import { Reader } from '../../store/reader.ts';
import type { CommandModule, Context } from '../context.ts';
import { resolveDatabaseToRead } from '../database-path.ts';
import { addFilterOptions, type FilterFlags, filterOf } from '../filters.ts';
import {
  addFormatOptions,
  columnsOf,
  type FormatFlags,
  limitOf,
  notePartly,
  parseSort,
  printRows,
  probeOf,
} from '../formats.ts';

interface ProcessesFlags extends FilterFlags, FormatFlags {
  readonly db?: string;
  readonly sort: string;
}

const EXAMPLES = `
Examples:
  pcapid processes --since today               who was on the network today
  pcapid processes --unit nginx --sort first
  pcapid processes --remote 192.0.2.0/24       who talked to that network

FLOWS and BYTES count the flows that match, whole; a process that talks to
itself counts at both ends.`;

export const processes: CommandModule = (context) =>
  addFormatOptions(addFilterOptions(new Command('processes').option('--db <file>', 'database to read')))
    .summary('list processes that used the network')
    .description('Lists stored processes: when they lived and how much they sent and received.')
    .option('--sort <field>', `one of ${Object.keys(PROCESS_SORTS).join(', ')}`, 'bytes')
    .addHelpText('after', EXAMPLES)
    .action((flags: ProcessesFlags) => listProcesses(context, flags));

function listProcesses(context: Context, flags: ProcessesFlags): void {
  const printing = { available: processColumns(localZone), defaults: PROCESS_DEFAULT_COLUMNS, fields: PROCESS_FIELDS };
  columnsOf(flags, printing);
  const filter = filterOf(flags, context.nowUs(), localZone);
  const query = compileProcesses(filter, parseSort(flags.sort, PROCESS_SORTS), probeOf(limitOf(flags)));
  const reader = Reader.open(resolveDatabaseToRead(context, flags.db));
  try {
    printRows(context, reader.rows(query), flags, printing);
    if (filter.sinceUs === undefined && filter.untilUs === undefined) return;
    const parts = reader.all(compileConservation(filter));
    notePartly(
      context,
      parts.reduce((sum, part) => sum + numberOf(part, 'partly'), 0),
    );
  } finally {
    reader.close();
  }
}
