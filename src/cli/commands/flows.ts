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
import { addNamingOption, type NamingFlags, namingOf } from '../naming.ts';

interface FlowsFlags extends FilterFlags, FormatFlags, NamingFlags {
  readonly db?: string;
  readonly sort: string;
}

const EXAMPLES = `
Examples:
  pcapid flows --since 10m                        the last ten minutes
  pcapid flows --process curl --sort bytes        the largest flows of curl
  pcapid flows --user www-data --remote 10.0.0.0/8 --proto tcp
  pcapid flows --name '*.example.org' -n          all below that domain, as addresses
  pcapid flows --since yesterday --format ndjson  every field, a record a line

PROCESS is name[pid]; a question mark means that it is only likely; (reason)
says why there is none. REMOTE is what the flow was meant for, as far as its packets
or a DNS answer told; a question mark means that others were told so of its address.
Flows that are only partly inside --since and --until are listed, and counted whole.`;

export const flows: CommandModule = (context) =>
  addNamingOption(addFormatOptions(addFilterOptions(new Command('flows').option('--db <file>', 'database to read'))))
    .summary('list stored flows with their processes')
    .description('Lists stored flows: who talked to whom, when, and how much.')
    .option('--sort <field>', `one of ${Object.keys(FLOW_SORTS).join(', ')}`, 'first')
    .addHelpText('after', EXAMPLES)
    .action((flags: FlowsFlags) => listFlows(context, flags));

function listFlows(context: Context, flags: FlowsFlags): void {
  const available = flowColumns(localZone, namingOf(flags));
  const printing = { available, defaults: FLOW_DEFAULT_COLUMNS, fields: FLOW_RECORD_FIELDS };
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
