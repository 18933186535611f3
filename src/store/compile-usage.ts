/** Accounting: who moved how many bytes, seen from the local ends of flows; and the sum that has to come out. */
import { type CompiledQuery, type Limit, NO_LIMIT, type Order, sqlDirection } from './compile-query.ts';
import { endpointWhere, type FlowFilter, flowWhere } from './conditions.ts';

/**
 * A way to group local ends. `inner` are columns of the view endpoint that rows are summed by first, `keys` are the
 * columns of the answer that make the group, `known` says in SQL when an end belongs to a group by name.
 */
interface Grouping {
  readonly inner: readonly string[];
  readonly keys: Readonly<Partial<Record<UsageKey, string>>>;
  readonly known: string;
}

/** Columns that name a group; those that a grouping does not use are null. */
const USAGE_KEYS = [
  'pid',
  'comm',
  'exe',
  'uid',
  'user',
  'unit',
  'container',
  'remote_addr',
  'protocol',
  'port',
] as const;
type UsageKey = (typeof USAGE_KEYS)[number];

const USER = 'coalesce(nullif(p.uid, 4294967295), g.uid)'; // NO_UID: not known
const EXE = 'coalesce(p.exe, g.exe)';
const CONTAINER = 'coalesce(k.name, g.container)';

const GROUPINGS = {
  process: {
    inner: ['process', 'program'],
    keys: {
      pid: 'p.pid',
      comm: 'p.comm',
      exe: EXE,
      uid: USER,
      user: 'u.name',
      unit: 'g.unit',
      container: CONTAINER,
    },
    known: 's.process IS NOT NULL',
  },
  program: {
    inner: ['program'],
    keys: { exe: 'g.exe', uid: 'g.uid', user: 'u.name', unit: 'g.unit', container: CONTAINER },
    known: 's.named OR g.exe IS NOT NULL',
  },
  user: { inner: ['program'], keys: { uid: 'g.uid', user: 'u.name' }, known: 'g.uid IS NOT NULL' },
  unit: { inner: ['program'], keys: { unit: 'g.unit' }, known: 's.named OR g.unit IS NOT NULL' },
  container: { inner: ['program'], keys: { container: CONTAINER }, known: 's.named OR g.container IS NOT NULL' },
  remote: { inner: ['remote_addr'], keys: { remote_addr: 's.remote_addr' }, known: '1' },
  port: { inner: ['protocol', 'service_port'], keys: { protocol: 's.protocol', port: 's.service_port' }, known: '1' },
  protocol: { inner: ['protocol'], keys: { protocol: 's.protocol' }, known: '1' },
} as const satisfies Record<string, Grouping>;
export type GroupBy = keyof typeof GROUPINGS;
export const GROUPS = Object.keys(GROUPINGS) as GroupBy[];

export const USAGE_SORTS = {
  total: { sql: 'ip_bytes', natural: 'desc' },
  tx: { sql: 'tx_ip_bytes', natural: 'desc' },
  rx: { sql: 'rx_ip_bytes', natural: 'desc' },
  packets: { sql: 'packets', natural: 'desc' },
  flows: { sql: 'flows', natural: 'desc' },
} as const;
export type UsageSort = keyof typeof USAGE_SORTS;

const SUMS = ['tx_packets', 'tx_ip_bytes', 'rx_packets', 'rx_ip_bytes'];

/**
 * Bytes by group. A flow between two local ends counts at each of them, as each moved those bytes.
 * Ends that belong to no group are rows of their own, one per reason.
 */
export function compileUsage(
  filter: FlowFilter,
  groupBy: GroupBy,
  order: Order<UsageSort>,
  limit: Limit,
): CompiledQuery {
  const { inner, keys, known }: Grouping = GROUPINGS[groupBy];
  const where = endpointWhere(filter);
  const summed = `SELECT c.host AS host, ${inner.map((name) => `e.${name} AS ${name}`).join(', ')},
    e.process IS NOT NULL AS named, CASE WHEN e.process IS NULL THEN e.reason END AS reason, count(*) AS flows,
    ${SUMS.map((name) => `sum(e.${name}) AS ${name}`).join(', ')}
  FROM endpoint e LEFT JOIN capture c ON c.id = e.capture WHERE ${where.sql}
  GROUP BY c.host, ${inner.map((name) => `e.${name}`).join(', ')}, named, CASE WHEN e.process IS NULL THEN e.reason END`;
  const columns = USAGE_KEYS.map((key) => `${keys[key] === undefined ? 'NULL' : keys[key]} AS ${key}`);
  const sums = SUMS.map((name) => `sum(s.${name}) AS ${name}`);
  const joins = [
    ...(inner.includes('process') ? ['LEFT JOIN process p ON p.id = s.process'] : []),
    ...(inner.includes('program') ? ['LEFT JOIN program g ON g.id = s.program'] : []),
    ...(keys.container === undefined ? [] : ['LEFT JOIN container k ON k.id = g.container']),
    ...(keys.user === undefined ? [] : [`LEFT JOIN user u ON u.host = s.host AND u.uid = ${keys.uid}`]),
  ];
  const groups = [...(inner.includes('process') ? ['s.process'] : []), ...Object.values(keys), REASON(known)];
  return {
    sql: `WITH s AS (${summed})
SELECT ${columns.join(', ')}, ${REASON(known)} AS reason, sum(s.flows) AS flows, ${sums.join(', ')},
  sum(s.tx_packets + s.rx_packets) AS packets, sum(s.tx_ip_bytes + s.rx_ip_bytes) AS ip_bytes,
  CASE WHEN sum(sum(s.tx_ip_bytes + s.rx_ip_bytes)) OVER () > 0 THEN round(sum(s.tx_ip_bytes + s.rx_ip_bytes) * 1.0
    / sum(sum(s.tx_ip_bytes + s.rx_ip_bytes)) OVER (), 6) END AS share
FROM s ${joins.join(' ')} GROUP BY ${groups.join(', ')}
ORDER BY ${USAGE_SORTS[order.by].sql} ${sqlDirection(order)}, ${Object.values(keys).join(', ')}, reason LIMIT ?`,
    params: [...where.params, limit ?? NO_LIMIT],
  };
}

const REASON = (known: string) => `CASE WHEN ${known} THEN NULL ELSE s.reason END`;

/** Codes of REASONS: 'not-local'. An end that is not here cannot say why the flow has no owner; the other one can. */
const WHY = `CASE WHEN f.src_process IS NOT NULL OR f.dst_process IS NOT NULL THEN NULL
    WHEN f.src_reason <> 5 THEN f.src_reason WHEN f.dst_reason <> 5 THEN f.dst_reason
    ELSE coalesce(f.src_reason, f.dst_reason) END`;

/**
 * Every flow that matches, once: attributed when a process is named at any of its ends, else under a reason
 * (null: not looked up before the recorder died). The rows add up to what was captured, in flows, packets and bytes.
 * `partly`: flows that reach beyond the range.
 */
export function compileConservation(filter: FlowFilter): CompiledQuery {
  const where = flowWhere(filter);
  const { sinceUs = null, untilUs = null } = filter;
  return {
    sql: `SELECT f.src_process IS NOT NULL OR f.dst_process IS NOT NULL AS attributed, w.token AS reason,
  count(*) AS flows, sum(f.orig_packets + f.reply_packets) AS packets, sum(f.orig_ip_bytes + f.reply_ip_bytes) AS ip_bytes,
  sum(coalesce(f.first_us < ?, 0) OR coalesce(f.last_us >= ?, 0)) AS partly
FROM flow f LEFT JOIN reason w ON w.id = ${WHY} WHERE ${where.sql} GROUP BY 1, 2 ORDER BY 1 DESC, 5 DESC`,
    params: [sinceUs, untilUs, ...where.params],
  };
}

/** What captures that overlap the range counted outside of flows: whole captures, whatever the filter. */
export function compileBesides({ sinceUs, untilUs }: FlowFilter): CompiledQuery {
  return {
    sql: `SELECT coalesce(sum(not_ip_packets), 0) AS not_ip_packets, coalesce(sum(bad_packets), 0) AS bad_packets,
  coalesce(sum(duplicate_packets), 0) AS duplicate_packets, sum(kernel_drops) AS kernel_drops FROM capture
WHERE started_us < coalesce(?, started_us + 1) AND last_us >= coalesce(?, last_us)`,
    params: [untilUs ?? null, sinceUs ?? null],
  };
}
