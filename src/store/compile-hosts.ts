/** Remote hosts: what was exchanged with each, and which processes talked to it. */
import { type CompiledQuery, type Limit, NO_LIMIT, type Order, type RowRange, sqlDirection } from './compile-query.ts';
import { and, endpointWhere, type FlowFilter, fragment } from './conditions.ts';

export const HOST_SORTS = {
  bytes: { sql: 'ip_bytes', natural: 'desc' },
  flows: { sql: 'flows', natural: 'desc' },
  seen: { sql: 'seen_us', natural: 'desc' },
  first: { sql: 'first_us', natural: 'desc' },
  last: { sql: 'last_us', natural: 'desc' },
  remote: { sql: 'bytes', natural: 'asc' },
} as const;
export type HostSort = keyof typeof HOST_SORTS;

/** Which addresses were not there before. */
export interface NewHosts {
  readonly sinceUs: number | null; // marked as new when first seen from then on; null: none is marked
  readonly only: boolean; // leave the others out
  readonly rows?: RowRange; // only these rows of table address
}

/** What an address was called, the latest first; a content network has hundreds of names. */
export const HOST_NAMES = `(SELECT group_concat(text, ', ') FROM (SELECT x.text AS text FROM name n JOIN host_name x ON x.id = n.host_name
    WHERE n.address = c.address GROUP BY x.id ORDER BY max(n.to_us) DESC LIMIT 3))`;

/** Two steps: sums by remote address and process first, so that names are looked up once for each pair. */
export function compileHosts(filter: FlowFilter, news: NewHosts, order: Order<HostSort>, limit: Limit): CompiledQuery {
  const { sinceUs, only, rows } = news;
  const where = and([
    endpointWhere(filter),
    ...(only && sinceUs !== null
      ? [fragment('e.remote_address IN (SELECT id FROM address WHERE first_us >= ?)', sinceUs)]
      : []),
    ...(rows === undefined
      ? []
      : [fragment('e.remote_address IN (SELECT id FROM address WHERE id > ? AND id <= ?)', rows.after, rows.to)]),
  ]);
  const sums = ['flows', 'tx_packets', 'tx_ip_bytes', 'rx_packets', 'rx_ip_bytes'].map((n) => `sum(${n}) AS ${n}`);
  return {
    sql: `WITH pair AS (
  SELECT e.remote_address AS address, e.process AS process, e.program AS program,
    CASE WHEN e.process IS NULL THEN e.reason END AS reason, min(e.first_us) AS first_us, max(e.last_us) AS last_us,
    count(*) AS flows, sum(e.tx_packets) AS tx_packets, sum(e.tx_ip_bytes) AS tx_ip_bytes,
    sum(e.rx_packets) AS rx_packets, sum(e.rx_ip_bytes) AS rx_ip_bytes
  FROM endpoint e WHERE ${where.sql} GROUP BY 1, 2, 3, 4),
called AS (
  SELECT pair.address AS address, coalesce(nullif(p.comm, ''), g.exe, '(' || pair.reason || ')', '(no name)') AS caller,
    min(pair.first_us) AS first_us, max(pair.last_us) AS last_us, ${sums.join(', ')}
  FROM pair LEFT JOIN process p ON p.id = pair.process LEFT JOIN program g ON g.id = pair.program GROUP BY 1, 2)
SELECT a.text AS remote_addr, ${HOST_NAMES} AS name, coalesce(a.first_us >= ?, 0) AS is_new, a.first_us AS seen_us,
  min(c.first_us) AS first_us, max(c.last_us) AS last_us,
  group_concat(c.caller, ', ' ORDER BY c.tx_ip_bytes + c.rx_ip_bytes DESC, c.caller) AS processes, ${sums.join(', ')},
  sum(tx_ip_bytes + rx_ip_bytes) AS ip_bytes
FROM called c JOIN address a ON a.id = c.address GROUP BY c.address
ORDER BY ${HOST_SORTS[order.by].sql} ${sqlDirection(order)}, a.bytes LIMIT ?`,
    params: [...where.params, sinceUs, limit ?? NO_LIMIT],
  };
}
