/** Accounting: who moved how many bytes, seen from the local ends of flows; and the sum that has to come out. */
import { TRAFFIC_SUMS, USAGE_KEYS } from '../core/usage.ts';
import { type CompiledQuery, type Limit, NO_LIMIT, type Order, sqlDirection } from './compile-query.ts';
import { and, endpointWhere, type FlowFilter, type Fragment, flowWhere, fragment, rollupWhere } from './conditions.ts';
import { CAPTURED_SUMS, Captured, PROGRAM_KEY, TRAFFIC_KEY } from './rollup-tables.ts';
import { GROUPINGS, type GroupBy, type Grouping, joinsOf, type Source } from './usage-groups.ts';
import type { Range, Segment } from './usage-plan.ts';

export const USAGE_SORTS = {
  total: { sql: 'ip_bytes', natural: 'desc' },
  tx: { sql: 'tx_ip_bytes', natural: 'desc' },
  rx: { sql: 'rx_ip_bytes', natural: 'desc' },
  share: { sql: 'ip_bytes', natural: 'desc' },
  packets: { sql: 'packets', natural: 'desc' },
  flows: { sql: 'flows', natural: 'desc' },
  name: { sql: '', natural: 'asc' }, // the keys of the group
} as const;
export type UsageSort = keyof typeof USAGE_SORTS;

export interface UsageQuery {
  readonly filter: FlowFilter;
  readonly groupBy: GroupBy;
  readonly segments: readonly Segment[]; // of counters by bucket
  readonly order: Order<UsageSort>;
  readonly limit: Limit;
  readonly slots?: { readonly fromUs: number; readonly toUs: number; readonly count: number }; // see compileUsage()
  readonly wholeFlows?: boolean; // of the flows that pass the filter as `flows` lists them, not of counters
}

/** @returns where the answer is: counters by bucket, or flows when only these know */
export function sourceOf({ process, pid, name, remote, port, protocol }: FlowFilter, groupBy: GroupBy): Source {
  const { source } = GROUPINGS[groupBy];
  if (source === null || process !== undefined || pid !== undefined || name !== undefined) return null;
  return remote !== undefined || port !== undefined || protocol !== undefined ? 'traffic' : source;
}

/**
 * Bytes by group. A flow between two local ends counts at each of them, as each moved those bytes. Ends that belong to
 * no group are rows of their own, one per reason. With `slots` the range is cut in equal parts, and a group has a row
 * for each of them: `slot` from 0.
 */
export function compileUsage(query: UsageQuery): CompiledQuery {
  const grouping: Grouping = GROUPINGS[query.groupBy];
  const source = query.wholeFlows === true ? null : sourceOf(query.filter, query.groupBy);
  const slot = slotOf(query);
  const inner = [...grouping.inner, ...(slot === null ? [] : ['slot'])];
  const summed = source === null ? ofFlows(query, inner) : ofBuckets(query, source, inner, slot);
  const reason = `CASE WHEN ${grouping.known} THEN NULL ELSE w.token END`;
  const columns = USAGE_KEYS.map((key) => `${grouping.keys[key] ?? 'NULL'} AS ${key}`);
  const sums = TRAFFIC_SUMS.map((name) => `sum(s.${name}) AS ${name}`);
  const total = 'sum(s.tx_ip_bytes + s.rx_ip_bytes)';
  const keys = [...(inner.includes('process') ? ['s.process'] : []), ...Object.values(grouping.keys), reason];
  const direction = sqlDirection(query.order);
  const by = query.order.by === 'name' ? keys.map((key) => `${key} ${direction}`) : [sortOf(query.order), ...keys];
  return {
    sql: `WITH s AS (${summed.sql})
SELECT ${columns.join(', ')}, ${reason} AS reason, ${sums.join(', ')}, sum(s.tx_packets + s.rx_packets) AS packets,
  ${total} AS ip_bytes,
  CASE WHEN sum(${total}) OVER () > 0 THEN round(${total} * 1.0 / sum(${total}) OVER (), 6) END AS share${slot === null ? '' : ', s.slot AS slot'}
FROM s LEFT JOIN reason w ON w.id = s.reason
${joinsOf(grouping)} GROUP BY ${[...keys, ...(slot === null ? [] : ['s.slot'])].join(', ')}
ORDER BY ${by.join(', ')} LIMIT ?`,
    params: [...summed.params, query.limit ?? NO_LIMIT],
  };
}

const sortOf = (order: Order<UsageSort>): string => `${USAGE_SORTS[order.by].sql} ${sqlDirection(order)}`;

function slotOf({ slots }: UsageQuery): Fragment | null {
  if (slots === undefined) return null;
  const sql = 'min(? - 1, max(0, CAST((t.bucket_us - ?) * ? / ? AS INTEGER)))'; // times are bound as floating point
  return fragment(sql, slots.count, slots.fromUs, slots.count, slots.toUs - slots.fromUs);
}

function ofBuckets(
  { filter, segments }: UsageQuery,
  source: 'program' | 'traffic',
  inner: readonly string[],
  slot: Fragment | null,
): Fragment {
  const all = segments.length === 0 ? [fragment(`SELECT * FROM ${source}_day WHERE 0`)] : partsOf(source, segments);
  const where = rollupWhere(filter);
  const columns = inner.map((name) => (name === 'slot' ? `${slot!.sql} AS slot` : `t.${name} AS ${name}`));
  return {
    sql: `SELECT ${columns.join(', ')}, t.reason = 0 AS named, nullif(t.reason, 0) AS reason,
  ${TRAFFIC_SUMS.map((name) => `sum(t.${name}) AS ${name}`).join(', ')}
FROM (${all.map(({ sql }) => sql).join(' UNION ALL ')}) t WHERE ${where.sql}
GROUP BY ${inner.map((_, i) => i + 1).join(', ')}, t.reason`,
    params: [...(slot?.params ?? []), ...all.flatMap(({ params }) => params), ...where.params],
  };
}

/** Rows of the counters that answer: those of the level, and of minutes that it does not have yet. */
function partsOf(source: 'program' | 'traffic', segments: readonly Segment[]): readonly Fragment[] {
  const columns = [...(source === 'program' ? PROGRAM_KEY : TRAFFIC_KEY), ...TRAFFIC_SUMS].join(', ');
  const range = 'bucket_us >= ? AND bucket_us < ?';
  return segments.flatMap(({ level, fromUs, toUs }) => [
    fragment(`SELECT ${columns} FROM ${source}_${level} WHERE ${range}`, fromUs, toUs),
    ...(source === 'traffic' && level === 'minute'
      ? []
      : [
          fragment(
            `SELECT ${columns} FROM traffic_minute WHERE bucket_us IN (SELECT bucket_us FROM unfolded WHERE ${range})`,
            fromUs,
            toUs,
          ),
        ]),
  ]);
}

function ofFlows({ filter, wholeFlows }: UsageQuery, inner: readonly string[]): Fragment {
  const { port, ...others } = filter;
  const where =
    wholeFlows === true || port === undefined
      ? endpointWhere(filter)
      : and([endpointWhere(others), fragment('e.service_port = ?', port)]); // as the counters mean it
  const names: Readonly<Record<string, string>> = {
    protocol: 'e.protocol_number',
    netns_row: 'f.netns',
    ifindex: 'f.ifindex',
  };
  const columns = inner.map((name) => `${names[name] ?? `e.${name}`} AS ${name}`);
  const flow = inner.includes('ifindex') ? ' JOIN flow f ON f.id = e.flow_id' : '';
  return {
    sql: `SELECT ${columns.join(', ')}, e.process IS NOT NULL AS named,
  CASE WHEN e.process IS NULL THEN (SELECT id FROM reason WHERE token = e.reason) END AS reason,
  ${['count(*) AS flows', ...TRAFFIC_SUMS.slice(1).map((name) => `sum(e.${name}) AS ${name}`)].join(', ')}
FROM endpoint e${flow} WHERE ${where.sql}
GROUP BY ${[...inner, 'named', ''].map((_, i) => i + 1).join(', ')}`,
    params: where.params,
  };
}

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

/**
 * What became of all packets of a range, whatever the filter: rows as of compileConservation(), each packet in the
 * bucket in which it passed, then those with a `kind` of at least Captured.Beside, which are not in the sum.
 */
export function compileCaptured(segments: readonly Segment[]): CompiledQuery {
  const parts = segments.map(({ level }) => `SELECT * FROM captured_${level} WHERE bucket_us >= ? AND bucket_us < ?`);
  return {
    sql: `SELECT t.kind AS kind, t.kind = ${Captured.Attributed} AS attributed, w.token AS reason,
  ${CAPTURED_SUMS.map((name) => `sum(t.${name}) AS ${name}`).join(', ')}
FROM (${parts.length === 0 ? 'SELECT * FROM captured_day WHERE 0' : parts.join(' UNION ALL ')}) t
LEFT JOIN reason w ON w.id = t.kind GROUP BY t.kind HAVING sum(t.packets) > 0 OR sum(t.flows) > 0
ORDER BY t.kind >= ${Captured.Beside}, attributed DESC, sum(t.ip_bytes) DESC`,
    params: segments.flatMap(({ fromUs, toUs }) => [fromUs, toUs]),
  };
}

/** What the kernel itself counted at interfaces, of recordings that lie in the range as a whole. */
export function compileInterfaces({ fromUs, toUs }: Range, limit: number): CompiledQuery {
  return {
    sql: `SELECT i.name AS name, sum(i.kernel_bytes) AS kernel_bytes, sum(i.bytes) AS bytes
FROM capture_interface i JOIN capture c ON c.id = i.capture
WHERE i.kernel_bytes IS NOT NULL AND c.started_us >= ? AND c.last_us < ? GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT ?`,
    params: [fromUs, toUs, limit],
  };
}
