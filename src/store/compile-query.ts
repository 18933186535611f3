/** Questions about flows and processes, compiled to SQL that can be read and tested without a database. */
import {
  and,
  endAlternatives,
  endpointWhere,
  type FlowFilter,
  type Fragment,
  flowAlternatives,
  fragment,
  or,
} from './conditions.ts';
import type { SqlValue } from './sqlite.ts';

export interface CompiledQuery {
  readonly sql: string;
  readonly params: readonly SqlValue[];
}

export interface Order<Field extends string> {
  readonly by: Field;
  readonly direction: 'asc' | 'desc';
}

/** Rows wanted; null: all. */
export type Limit = number | null;
export const NO_LIMIT = -1; // SQLite's

/** Rows of a table that were stored after one and up to another. */
export interface RowRange {
  readonly after: number;
  readonly to: number;
}

/** Largest id of a table whose rows are only ever added; column `latest`, 0 when it is empty. */
export function compileLatest(table: 'flow' | 'process' | 'address'): CompiledQuery {
  return { sql: `SELECT coalesce(max(id), 0) AS latest FROM ${table}`, params: [] };
}

/** What a database holds at all, 0 or 1 each: `flows`, `ends` of them that were looked up, `runs` of a recorder, `captures` of packets. */
export const ANY_ROWS: CompiledQuery = {
  sql: `SELECT EXISTS (SELECT 1 FROM flow) AS flows, EXISTS (SELECT 1 FROM endpoint) AS ends,
  EXISTS (SELECT 1 FROM capture) AS runs, EXISTS (SELECT 1 FROM capture WHERE backend <> 'none') AS captures`,
  params: [],
};

function storedWhere(alias: 'f' | 'p', rows: RowRange | undefined): Fragment[] {
  return rows === undefined ? [] : [fragment(`${alias}.id > ? AND ${alias}.id <= ?`, rows.after, rows.to)];
}

/** What flows can be sorted by, and the direction that a person expects. */
export const FLOW_SORTS = {
  first: { sql: 'f.first_us', natural: 'desc' },
  last: { sql: 'f.last_us', natural: 'desc' },
  bytes: { sql: 'f.orig_ip_bytes + f.reply_ip_bytes', natural: 'desc' },
  packets: { sql: 'f.orig_packets + f.reply_packets', natural: 'desc' },
  duration: { sql: 'f.last_us - f.first_us', natural: 'desc' },
} as const;
export type FlowSort = keyof typeof FLOW_SORTS;

export const PROCESS_SORTS = {
  bytes: { sql: 'ip_bytes', natural: 'desc' },
  flows: { sql: 'flows', natural: 'desc' },
  first: { sql: 'p.first_us', natural: 'desc' },
  last: { sql: 'last_us', natural: 'desc' },
  comm: { sql: 'p.comm', natural: 'asc' },
  pid: { sql: 'p.pid', natural: 'asc' },
  user: { sql: 'u.name', natural: 'asc' },
} as const;
export type ProcessSort = keyof typeof PROCESS_SORTS;

/**
 * Rows of the view flow_record.
 *
 * The CROSS JOIN keeps the order of the inner query: SQLite never reorders its tables, and LIMIT keeps its ORDER BY.
 */
export function compileFlows(filter: FlowFilter, order: Order<FlowSort>, limit: Limit, rows?: RowRange): CompiledQuery {
  const picked = pickFlows(filter, order, limit, storedWhere('f', rows));
  return {
    sql: `SELECT r.* FROM (${picked.sql}) picked
CROSS JOIN flow_record r ON r.flow_id = picked.id`,
    params: picked.params,
  };
}

/**
 * Ids. A process is looked for at each end by itself: an OR of both would read every flow of it before the first one is
 * known (10 million flows of 2,000 processes: 36 ms against 1 ms).
 */
function pickFlows(
  filter: FlowFilter,
  order: Order<FlowSort>,
  limit: Limit,
  stored: readonly Fragment[],
): CompiledQuery {
  const direction = sqlDirection(order);
  const first = `ORDER BY sorted ${direction}, id ${direction} LIMIT ?`;
  const picks = flowAlternatives(filter).map((alternative) => {
    const where = and([alternative, ...stored]);
    const sql = `SELECT f.id AS id, ${FLOW_SORTS[order.by].sql} AS sorted FROM flow f WHERE ${where.sql} ${first}`;
    return fragment(sql, ...where.params, limit ?? NO_LIMIT);
  });
  if (picks.length === 1) return picks[0]!;
  return {
    sql: `SELECT id FROM (${picks.map(({ sql }) => `SELECT * FROM (${sql})`).join(' UNION ')}) ${first}`,
    params: [...picks.flatMap(({ params }) => params), limit ?? NO_LIMIT],
  };
}

/** Pids are used again: the parent is the latest process of that pid that is not younger than the child. */
const PARENT = `(SELECT id FROM process WHERE boot = p.boot AND pid = p.parent_pid AND start_ticks <= p.start_ticks
    ORDER BY start_ticks DESC LIMIT 1)`;

/** Which processes are listed beside those with flows that match. */
export interface AlsoProcesses {
  readonly rows?: RowRange | undefined; // only those that were stored then
  readonly withoutFlows: boolean; // filters of remote, name, port and protocol leave them out all the same
  readonly withParents: boolean; // beyond `limit`, whatever the filter
}

/** Processes with what their ends of flows carried: all that a process did counts, whatever program it was then. */
export function compileProcesses(
  filter: FlowFilter,
  order: Order<ProcessSort>,
  limit: Limit,
  { rows, withoutFlows, withParents }: AlsoProcesses = { withoutFlows: true, withParents: false },
): CompiledQuery {
  const { remote, name, port, protocol, sinceUs, untilUs } = filter;
  const needsFlows = remote !== undefined || name !== undefined || port !== undefined || protocol !== undefined;
  const needsTraffic = needsFlows || !withoutFlows;
  const ends = endAlternatives(filter, { process: 'p.id', program: 'p.program', remoteAddress: null, remoteName: '' });
  const isTotal = !needsFlows && sinceUs === undefined && untilUs === undefined;
  const traffic = isTotal ? fragment('SELECT * FROM process_total') : trafficWhere(filter, ends);
  const lived = [
    ...(untilUs === undefined ? [] : [fragment('p.first_us < ?', untilUs)]),
    ...(sinceUs === undefined ? [] : [fragment('coalesce(p.exit_us, p.last_us) >= ?', sinceUs)]),
  ];
  const where = and([
    ...storedWhere('p', rows),
    ...(ends.length > 0 ? [or(ends)] : []),
    ...(needsTraffic ? [fragment('t.process IS NOT NULL')] : [or([fragment('t.process IS NOT NULL'), and(lived)])]),
  ]);
  const picked = `${PROCESSES}
WHERE ${where.sql} ORDER BY ${PROCESS_SORTS[order.by].sql} ${sqlDirection(order)}, p.id LIMIT ?`;
  return {
    sql: `WITH RECURSIVE traffic AS (${traffic.sql})
${withParents ? andParents(picked, order) : picked}`,
    params: [...traffic.params, ...where.params, limit ?? NO_LIMIT],
  };
}

/** Sums by process, of the flows that match. @param ends conditions of `process p`, of which one has to hold */
function trafficWhere(
  { process: _, pid: __, user: ___, unit: ____, container: _____, ...ofFlows }: FlowFilter,
  ends: readonly Fragment[],
): Fragment {
  const chosen = or(ends);
  const where = and([
    fragment('e.process IS NOT NULL'),
    endpointWhere(ofFlows),
    ...(ends.length === 0
      ? []
      : [fragment(`e.process IN (SELECT p.id FROM process p WHERE ${chosen.sql})`, ...chosen.params)]),
  ]);
  const sql = `SELECT e.process AS process, count(*) AS flows, sum(e.tx_ip_bytes) AS tx_ip_bytes, sum(e.rx_ip_bytes) AS rx_ip_bytes,
    max(e.last_us) AS last_us FROM endpoint e WHERE ${where.sql} GROUP BY e.process`;
  return fragment(sql, ...where.params);
}

const PROCESSES = `SELECT p.id AS process, q.id AS parent, h.name AS host, p.pid AS pid, p.start_ticks AS start_ticks,
  p.parent_pid AS parent_pid, q.comm AS parent_comm, p.comm AS comm, p.exe AS exe, p.cmdline AS cmdline,
  nullif(p.uid, 4294967295) AS uid, u.name AS user, g.unit AS unit, coalesce(k.name, g.container) AS container, p.first_us AS first_us,
  CASE WHEN p.exit_us IS NULL THEN max(p.last_us, coalesce(t.last_us, 0)) ELSE p.last_us END AS last_us,
  p.exit_us AS exit_us, coalesce(t.flows, 0) AS flows, coalesce(t.tx_ip_bytes, 0) AS tx_ip_bytes,
  coalesce(t.rx_ip_bytes, 0) AS rx_ip_bytes, coalesce(t.tx_ip_bytes + t.rx_ip_bytes, 0) AS ip_bytes
FROM process p
LEFT JOIN traffic t ON t.process = p.id
LEFT JOIN process q ON q.id = ${PARENT}
LEFT JOIN program g ON g.id = p.program
LEFT JOIN container k ON k.id = g.container
LEFT JOIN boot b ON b.id = p.boot
LEFT JOIN host h ON h.id = b.host
LEFT JOIN user u ON u.host = b.host AND u.uid = p.uid`;

/** The processes of `picked`, and all above them. */
function andParents(picked: string, order: Order<ProcessSort>): string {
  return `, family(id) AS (
  SELECT process FROM (${picked})
  UNION SELECT q.id FROM family JOIN process p ON p.id = family.id JOIN process q ON q.id = ${PARENT})
${PROCESSES}
WHERE p.id IN (SELECT id FROM family) ORDER BY ${PROCESS_SORTS[order.by].sql} ${sqlDirection(order)}, p.id`;
}

export function sqlDirection({ direction }: Order<string>): 'ASC' | 'DESC' {
  return direction === 'asc' ? 'ASC' : 'DESC';
}
