/** What flows, processes and hosts have in common: rows of the database that pass a filter, once or as they come. */

import { Command } from 'commander';
import { UserError } from '../core/errors.ts';
import { numberOf, type Row } from '../report/columns.ts';
import { formatLocal, localZone } from '../report/local-time.ts';
import type { Look } from '../report/look.ts';
import {
  ANY_ROWS,
  type CompiledQuery,
  compileLatest,
  type Limit,
  type Order,
  type RowRange,
} from '../store/compile-query.ts';
import { compileConservation } from '../store/compile-usage.ts';
import type { FlowFilter } from '../store/conditions.ts';
import { Reader } from '../store/reader.ts';
import { compileKept } from '../store/usage-plan.ts';
import type { Context } from './context.ts';
import { resolveDatabaseToRead } from './database-path.ts';
import { addFilterOptions, type FilterFlags, filterOf } from './filters.ts';
import { followDatabase } from './follow.ts';
import {
  addFormatOptions,
  columnsOf,
  type FormatFlags,
  limitOf,
  notePartly,
  type Printing,
  parseSort,
  printRows,
  probeOf,
} from './formats.ts';
import { GrowingRows } from './growing-rows.ts';
import { addLookOptions, type LookFlags, lookOf } from './look.ts';

export interface ListFlags extends FilterFlags, FormatFlags, LookFlags {
  readonly db?: string;
  readonly sort?: string;
  readonly follow?: boolean;
}

/** A kind of rows. */
export interface StoredList<Sort extends string, Flags extends ListFlags = ListFlags> {
  readonly table: 'flow' | 'process' | 'address'; // new rows of it are what --follow waits for
  readonly sorts: Readonly<Record<Sort, { readonly natural: 'asc' | 'desc' }>>;
  readonly defaultSort: Sort;
  readonly addsUp: boolean; // rows are sums of flows: flows that are partly in the range are worth a note
  readonly newest: Sort; // by which the latest rows come first
  printing(look: Look, flags: Flags): Printing;
  /** @param rows only those that were stored in this range of ids */
  compile(filter: FlowFilter, flags: Flags, order: Order<Sort>, limit: Limit, rows?: RowRange): CompiledQuery;
  /** The same filter, with what the database says of how to answer it. */
  plan?(reader: Reader, filter: FlowFilter): FlowFilter;
  arrange?(rows: readonly Row[], flags: Flags): readonly Row[];
}

/** Rows that --follow begins with, as tail does. */
const TAIL = 10;

/** The command without its description and examples. */
export function listCommand(name: string, sorts: Readonly<Record<string, unknown>>, defaultSort: string): Command {
  const command = addFilterOptions(new Command(name).option('--db <file>', 'database to read'));
  return addLookOptions(addFormatOptions(command))
    .option('--sort <field>', `one of ${Object.keys(sorts).join(', ')} (default: ${defaultSort})`)
    .option('-f, --follow', 'then wait for more, and print it as it is stored');
}

export function listStored<Sort extends string, Flags extends ListFlags>(
  context: Context,
  flags: Flags,
  list: StoredList<Sort, Flags>,
): Promise<void> | undefined {
  const look = lookOf(flags);
  const printing = list.printing(look, flags);
  columnsOf(flags, printing);
  const filter = filterOf(flags, context.nowUs(), look.zone);
  const order = parseSort(flags.sort ?? list.defaultSort, list.sorts);
  if (flags.follow === true) {
    refuseToFollow(flags);
    return follow(context, flags, list, filter, printing);
  }
  const reader = Reader.open(resolveDatabaseToRead(context, flags.db));
  try {
    const planned = list.plan === undefined ? filter : list.plan(reader, filter);
    const rows = reader.rows(list.compile(planned, flags, order, probeOf(limitOf(flags))));
    const arranged = list.arrange === undefined ? rows : list.arrange([...rows], flags);
    printRows(context, arranged, flags, { ...printing, whyEmpty: () => whyNoFlows(reader) });
    if (list.addsUp) notePartlyInside(context, reader, filter);
    noteDeleted(context, reader, filter);
  } finally {
    reader.close();
  }
  return undefined;
}

/** What `record --sockets-only` or `read` without owners wrote is no empty database: the question was the wrong one. */
export function whyNoFlows(reader: Reader): string {
  const { flows, ends, runs, captures } = reader.all(ANY_ROWS)[0]!;
  if (ends === 1) return '';
  if (flows === 1)
    return ': whose the stored flows are was not looked up; flows lists them, read FILE --db DB --owners DB names them';
  if (captures === 1) return ': no flow is stored, or none any more (db info)';
  if (runs === 1) return ': only sockets are stored, no packets; ask who, processes --all, or read FILE --owners';
  return ': nothing is stored yet';
}

function notePartlyInside(context: Context, reader: Reader, filter: FlowFilter): void {
  if (filter.sinceUs === undefined && filter.untilUs === undefined) return;
  const parts = reader.all(compileConservation(filter));
  notePartly(
    context,
    parts.reduce((sum, part) => sum + numberOf(part, 'partly'), 0),
  );
}

/** An answer about a range of which flows are gone is not all there was. */
function noteDeleted(context: Context, reader: Reader, { sinceUs, untilUs }: FlowFilter): void {
  if (sinceUs === undefined && untilUs === undefined) return;
  const kept = reader.all(compileKept()).find(({ what }) => what === 'flows');
  const fromUs = Number(kept?.from_us ?? 0);
  if ((sinceUs ?? 0) < fromUs)
    context.err(
      `pcapid: flows before ${formatLocal(fromUs, localZone).slice(0, 16)} were deleted (record --keep): usage has all of the range\n`,
    );
}

function refuseToFollow({ format, sort, until }: ListFlags): void {
  const refuse = (what: string, hint: string): never => {
    throw new UserError('cannot-follow', `--follow ${what}`, hint);
  };
  if (sort !== undefined) refuse('prints rows as they come, not sorted', 'Leave --sort out.');
  if (until !== undefined) refuse('waits for what is still to come, --until ends before', 'Leave one of them out.');
  if (format === 'json') refuse('never comes to the end of an array', 'Use --format ndjson.');
}

/** Rows wait for one look more before they are printed: until then they have found their owner. */
async function follow<Sort extends string, Flags extends ListFlags>(
  context: Context,
  flags: Flags,
  list: StoredList<Sort, Flags>,
  filter: FlowFilter,
  printing: Printing,
): Promise<void> {
  const growing = new GrowingRows(context, { ...flags, limit: 0 }, printing);
  const newest = { by: list.newest, direction: 'desc' } as const;
  const path = resolveDatabaseToRead(context, flags.db);
  let printed: number | undefined; // largest id
  let seen = 0;
  await followDatabase(path, (reader) => {
    const latest = Number(reader.all(compileLatest(list.table))[0]?.latest);
    if (printed === undefined) {
      const limit = flags.limit ?? TAIL;
      const rows = limit === 0 ? null : limit;
      growing.print([...reader.all(list.compile(filter, flags, newest, rows, { after: 0, to: latest }))].reverse());
      printed = latest;
    } else if (seen > printed) {
      growing.print([...reader.all(list.compile(filter, flags, newest, null, { after: printed, to: seen }))].reverse());
      printed = seen;
    }
    seen = latest;
    return seen > printed;
  });
}
