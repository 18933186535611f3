import { Command } from 'commander';
import { FLOW_RECORD_FIELDS } from '../../core/record.ts';
import { FLOW_DEFAULT_COLUMNS, flowColumns } from '../../report/flow-columns.ts';
import { localZone } from '../../report/local-time.ts';
import { compileFlows, FLOW_SORTS } from '../../store/compile-query.ts';
import { Reader } from '../../store/reader.ts';
import type { CommandModule, Context } from '../context.ts';
import { resolveDatabaseToRead } from '../database-path.ts';
import { addFilterOptions, type FilterFlags, filterOf } from '../filters.ts';
import { addFormatOptions, columnsOf, type FormatFlags, limitOf, parseSort, printRows, probeOf } from '../formats.ts';

interface FlowsFlags extends FilterFlags, FormatFlags {
  readonly db?: string;
  readonly sort: string;
}

const EXAMPLES = `
Examples:
  pcapid flows --since 10m                        the last ten minutes
  pcapid flows --process curl --sort bytes        the largest flows of curl
  pcapid flows --user www-data --remote 10.0.0.0/8 --proto tcp
  pcapid flows --since yesterday --format ndjson  every field, a record a line

PROCESS is name[pid]; a question mark means that it is only likely; (reason)
says why there is none.
Flows that are only partly inside --since and --until are listed, and counted whole.`;

export const flows: CommandModule = (context) =>
  addFormatOptions(addFilterOptions(new Command('flows').option('--db <file>', 'database to read')))
    .summary('list stored flows with their processes')
    .description('Lists stored flows: who talked to whom, when, and how much.')
    .option('--sort <field>', `one of ${Object.keys(FLOW_SORTS).join(', ')}`, 'first')
    .addHelpText('after', EXAMPLES)
    .action((flags: FlowsFlags) => listFlows(context, flags));

function listFlows(context: Context, flags: FlowsFlags): void {
  const printing = { available: flowColumns(localZone), defaults: FLOW_DEFAULT_COLUMNS, fields: FLOW_RECORD_FIELDS };
  columnsOf(flags, printing);
  const filter = filterOf(flags, context.nowUs(), localZone);
  const query = compileFlows(filter, parseSort(flags.sort, FLOW_SORTS), probeOf(limitOf(flags)));
  const reader = Reader.open(resolveDatabaseToRead(context, flags.db));
  try {
    printRows(context, reader.rows(query), flags, printing);
  } finally {
    reader.close();
  }
}
