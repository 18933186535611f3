import { FLOW_RECORD_FIELDS } from '../../core/record.ts';
import { FLOW_DEFAULT_COLUMNS, flowColumns } from '../../report/flow-columns.ts';
import { compileFlows, FLOW_SORTS, type FlowSort } from '../../store/compile-query.ts';
import { withRarity } from '../../store/find-tuple.ts';
import type { CommandModule } from '../context.ts';
import { addNamingOption, type NamingFlags, namingOf } from '../naming.ts';
import { type ListFlags, listCommand, listStored, type StoredList } from '../stored-list.ts';

interface FlowsFlags extends ListFlags, NamingFlags {}

const EXAMPLES = `
Examples:
  pcapid flows --since 10m                        the last ten minutes
  pcapid flows --process curl --sort bytes        the largest flows of curl
  pcapid flows --user www-data --remote 10.0.0.0/8 --proto tcp
  pcapid flows --follow --port 443                the latest, then each as it comes
  pcapid flows --columns time,process,remote,duration,cmdline
  pcapid flows --name '*.example.org' -n          all below that domain, as addresses
  pcapid flows --since yesterday --format ndjson  every field, a record a line

PROCESS is name[pid]; a question mark means that it is only likely; (reason)
says why there is none. REMOTE is what the flow was meant for, as far as its packets
or a DNS answer told; a question mark means that others were told so of its address.
Flows that are only partly inside --since and --until are listed, and counted whole.
--follow prints a flow once, a second or two after it began: its bytes until then.`;

const LIST: StoredList<FlowSort, FlowsFlags> = {
  table: 'flow',
  sorts: FLOW_SORTS,
  defaultSort: 'first',
  addsUp: false,
  newest: 'first',
  printing: (look, flags) => ({
    available: flowColumns(look, namingOf(flags)),
    defaults: FLOW_DEFAULT_COLUMNS,
    fields: FLOW_RECORD_FIELDS,
  }),
  plan: withRarity,
  compile: (filter, _flags, order, limit, rows) => compileFlows(filter, order, limit, rows),
};

export const flows: CommandModule = (context) =>
  addNamingOption(listCommand('flows', FLOW_SORTS, LIST.defaultSort))
    .description('Lists stored flows: who talked to whom, when, and how much.')
    .addHelpText('after', EXAMPLES)
    .action((flags: FlowsFlags) => listStored(context, flags, LIST));
