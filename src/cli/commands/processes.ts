import { UserError } from '../../core/errors.ts';
import { PROCESS_DEFAULT_COLUMNS, PROCESS_FIELDS, processColumns } from '../../report/process-columns.ts';
import { processTree } from '../../report/process-tree.ts';
import { compileProcesses, PROCESS_SORTS, type ProcessSort } from '../../store/compile-query.ts';
import type { CommandModule } from '../context.ts';
import { type ListFlags, listCommand, listStored, type StoredList } from '../stored-list.ts';

interface ProcessesFlags extends ListFlags {
  readonly tree?: boolean;
  readonly all?: boolean;
}

const EXAMPLES = `
Examples:
  pcapid processes --since today               who was on the network today
  pcapid processes --tree --since 1h           children below their parents
  pcapid processes --unit nginx --sort first
  pcapid processes --remote 192.0.2.0/24       who talked to that network
  pcapid processes --all --sort last           also those that only had a socket
  pcapid processes --columns comm,pid,first,exit,cmdline

FLOWS and BYTES count the flows that match, whole; a process that talks to
itself counts at both ends. RAN is how long it was seen; a plus sign means that
it has not been seen to end. A parent that was gone before anybody looked has no name.
Without --since, --until, --remote, --name, --port and --proto counters answer, also
of flows that were deleted since (db info).`;

const LIST: StoredList<ProcessSort, ProcessesFlags> = {
  table: 'process',
  sorts: PROCESS_SORTS,
  defaultSort: 'bytes',
  addsUp: true,
  newest: 'first',
  printing: (look) => ({
    available: processColumns(look),
    defaults: PROCESS_DEFAULT_COLUMNS,
    fields: PROCESS_FIELDS,
  }),
  compile: (filter, { all, tree, follow }, order, limit, rows) =>
    compileProcesses(filter, order, limit, {
      rows,
      withoutFlows: all === true || follow === true,
      withParents: tree === true,
    }),
  arrange: (rows, { tree }) => (tree === true ? processTree(rows) : rows),
};

export const processes: CommandModule = (context) =>
  listCommand('processes', PROCESS_SORTS, LIST.defaultSort)
    .description('Lists stored processes: whose children they are, when they lived, how much they sent and received.')
    .option('--tree', 'children below their parents, also below those without a flow')
    .option('--all', 'also those without a flow that matches: they only had a socket')
    .addHelpText('after', EXAMPLES)
    .action((flags: ProcessesFlags) => {
      if (flags.tree === true && flags.follow === true) {
        throw new UserError('cannot-follow', '--follow cannot draw a --tree', 'Leave one of them out.');
      }
      return listStored(context, flags, LIST);
    });
