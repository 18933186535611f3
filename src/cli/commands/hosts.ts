import { HOST_DEFAULT_COLUMNS, HOST_FIELDS, hostColumns } from '../../report/host-columns.ts';
import { canCountHosts, compileAllHosts, NAMELESS_PROGRAMS } from '../../store/compile-all-hosts.ts';
import { compileHosts, HOST_SORTS, type HostSort } from '../../store/compile-hosts.ts';
import type { CommandModule } from '../context.ts';
import { lookOf } from '../look.ts';
import { type ListFlags, listCommand, listStored, type StoredList } from '../stored-list.ts';
import { parseTime } from '../time-range.ts';

interface HostsFlags extends ListFlags {
  readonly newSince?: string;
}

const EXAMPLES = `
Examples:
  pcapid hosts --since 1h                   whom this host talked to, and who did
  pcapid hosts --new-since yesterday        who talked to an address never seen before
  pcapid hosts --process curl --sort last
  pcapid hosts --follow                     addresses as they turn up for the first time
  pcapid hosts --format csv > hosts.csv

NEW marks addresses that were first seen inside the range of --since or --new-since;
FIRST SEEN is the first time in all that is stored. PROCESSES: the one with the
most bytes comes first; (reason) says why nobody is named.
Without --since, --until, --process, --pid, --name, --port and --proto counters
answer, also of flows that were deleted since (db info): LAST is then a minute,
and processes of one program that have several names are listed as its file.
Where the files of programs are not known (record without rights), flows answer.`;

/** @param newUs from when on an address counts as new; null: everything would be, so nothing is marked */
const listOf = (newUs: number | null): StoredList<HostSort, HostsFlags> => ({
  table: 'address',
  sorts: HOST_SORTS,
  defaultSort: 'bytes',
  addsUp: true,
  newest: 'seen',
  printing: (look) => ({ available: hostColumns(look), defaults: HOST_DEFAULT_COLUMNS, fields: HOST_FIELDS }),
  plan: (reader, filter) => (reader.all(NAMELESS_PROGRAMS).length > 0 ? { sinceUs: 0, ...filter } : filter),
  compile: (filter, { newSince }, order, limit, rows) => {
    const only = newSince !== undefined;
    const isFollowed = rows !== undefined && rows.after > 0; // then every row is one that just turned up
    const sinceUs = isFollowed ? 0 : (newUs ?? (filter.sinceUs || null));
    const news = { sinceUs, only, ...(rows === undefined ? {} : { rows }) };
    if (canCountHosts(filter, news)) return compileAllHosts(filter, news, order, limit); // of a new address all is new
    const range = only && (filter.sinceUs ?? 0) === 0 && newUs !== null ? { ...filter, sinceUs: newUs } : filter;
    return compileHosts(range, news, order, limit);
  },
});

export const hosts: CommandModule = (context) =>
  listCommand('hosts', HOST_SORTS, 'bytes')
    .description('Lists the other ends of stored flows: who talked to them, how much, and when they were first seen.')
    .option('--new-since <time>', 'only addresses that were never seen before this time')
    .addHelpText('after', EXAMPLES)
    .action((flags: HostsFlags) => {
      const { newSince } = flags;
      const { zone } = lookOf(flags);
      const newUs = newSince === undefined ? null : parseTime(newSince, '--new-since', context.nowUs(), zone);
      return listStored(context, flags, listOf(newUs));
    });
