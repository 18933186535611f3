/** Finds flows and sockets of a tuple in a database of any size: asks the rarer end's index, or goes back from the latest. */
import type { Limit } from './compile-query.ts';
import {
  compileAddress,
  compileEndCount,
  compileSockets,
  compileTuple,
  type StoredEnd,
  type StoredTuple,
  type TupleEnd,
  type TuplePlan,
  type TupleQuery,
  type TupleTable,
} from './compile-tuple.ts';
import type { FlowFilter } from './conditions.ts';
import type { Reader, Row } from './reader.ts';

/** An end with more rows is so common that one of the latest rows has it: then no index is needed to find it. */
const COMMON = 10_000;

/** Rows of flow_record, latest first. */
export function findFlows(reader: Reader, query: TupleQuery, limit: Limit): readonly Row[] {
  const stored = lookUp(reader, query);
  return stored === undefined ? [] : reader.all(compileTuple(stored, planOf(reader, 'flow', stored), limit));
}

/** Marks a port that only few flows have. Whatever else leads to few flows is asked instead. */
export function withRarity(reader: Reader, filter: FlowFilter): FlowFilter {
  const { port, pid, process, remote, name, sinceUs } = filter;
  const isAlone = [pid, process, remote, name, sinceUs].every((other) => other === undefined);
  if (port === undefined || !isAlone) return filter;
  const [row] = reader.all(compileEndCount('flow', { port }, COMMON));
  return { ...filter, portIsRare: Number(row?.found) < COMMON };
}

/** Sockets of the ownership history, latest first. */
export function findSockets(reader: Reader, query: TupleQuery, limit: Limit): readonly Row[] {
  const stored = lookUp(reader, query);
  return stored === undefined ? [] : reader.all(compileSockets(stored, planOf(reader, 'socket', stored), limit));
}

/** @returns undefined when one of the addresses was never seen: nothing can match */
function lookUp(reader: Reader, query: TupleQuery): StoredTuple | undefined {
  const ends: StoredEnd[] = [];
  for (const end of query.ends) {
    const address = end.address === undefined ? undefined : addressRow(reader, end.address);
    if (address === null) return undefined;
    const { port } = end;
    ends.push({ ...(address === undefined ? {} : { address }), ...(port === undefined ? {} : { port }) });
  }
  return { ...query, ends };
}

function addressRow(reader: Reader, address: NonNullable<TupleEnd['address']>): number | null {
  const [row] = reader.all(compileAddress(address));
  return row === undefined ? null : Number(row.id);
}

/**
 * Without statistics SQLite cannot know that this host's own address is in every row, and a remote one in few. A port
 * is looked for at every address that is known: that takes longer, so addresses come first, and a time does without.
 */
function planOf(reader: Reader, table: TupleTable, { ends, range }: StoredTuple): TuplePlan {
  const byAddress = rarestEnd(reader, table, ends, (end) => end.address !== undefined);
  if (byAddress !== 'latest-first' || range !== undefined) return byAddress;
  return rarestEnd(reader, table, ends, (end) => end.address === undefined && end.port !== undefined);
}

function rarestEnd(
  reader: Reader,
  table: TupleTable,
  ends: readonly StoredEnd[],
  isAsked: (end: StoredEnd) => boolean,
): TuplePlan {
  let plan: TuplePlan = 'latest-first';
  let fewest = COMMON;
  for (const [i, end] of ends.entries()) {
    if (!isAsked(end)) continue;
    const [row] = reader.all(compileEndCount(table, end, COMMON));
    const found = Number(row?.found);
    if (found < fewest) [plan, fewest] = [i === 0 ? 0 : 1, found];
  }
  return plan;
}
