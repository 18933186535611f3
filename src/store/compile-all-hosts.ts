/** Remote hosts of all times, from counters: the same rows as compileHosts() gives, however many flows there are. */
import { TRAFFIC_SUMS } from '../core/usage.ts';
import { HOST_NAMES, HOST_SORTS, type HostSort, type NewHosts } from './compile-hosts.ts';
import { type CompiledQuery, type Limit, NO_LIMIT, type Order, sqlDirection } from './compile-query.ts';
import { and, type FlowFilter, fragment, rollupWhere } from './conditions.ts';

/** @returns whether counters know all that is asked for: they know programs and remotes, neither processes nor ports */
export function canCountHosts(filter: FlowFilter, { rows }: NewHosts): boolean {
  const { remote: _, user: __, unit: ___, container: ____, ...others } = filter;
  return rows === undefined && Object.keys(others).length === 0;
}

const SUMS = ['flows', 'tx_packets', 'tx_ip_bytes', 'rx_packets', 'rx_ip_bytes'];
/** Minutes that are not in the totals yet. */
const OPEN_MINUTES = `SELECT remote_address, program, reason, bucket_us AS last_us, ${TRAFFIC_SUMS.join(', ')}
  FROM traffic_minute WHERE bucket_us IN (SELECT bucket_us FROM unfolded)`;

/** What the processes of a program are called where they agree, else its file. */
const COMM = (which: 'min' | 'max') => `(SELECT ${which}(comm) FROM process WHERE program = g.id AND comm <> '')`;

/** A row when programs do not tell their processes apart, as nobody knows the files of these: then only flows know who talked. */
export const NAMELESS_PROGRAMS: CompiledQuery = {
  sql: `SELECT 1 AS known FROM program g WHERE g.exe IS NULL AND ${COMM('min')} <> ${COMM('max')} LIMIT 1`,
  params: [],
};

const CALLER = `coalesce(CASE WHEN ${COMM('min')} = ${COMM('max')} THEN ${COMM('min')} END,
    replace(g.exe, rtrim(g.exe, replace(g.exe, '/', '')), ''))`;

/**
 * `last_us` is the begin of a minute, `first_us` that of the address. Callers are programs: processes of one program that
 * are called differently are listed as its file is.
 */
export function compileAllHosts(
  filter: FlowFilter,
  { sinceUs, only }: NewHosts,
  order: Order<HostSort>,
  limit: Limit,
): CompiledQuery {
  const { remote, ...ofPrograms } = filter;
  const byProgram = Object.keys(ofPrograms).length > 0;
  const isNew = fragment('t.remote_address IN (SELECT id FROM address WHERE first_us >= ?)', sinceUs);
  const where = and([rollupWhere(filter), ...(only && sinceUs !== null ? [isNew] : [])]);
  const pairs = rollupWhere(ofPrograms);
  const lasts = byProgram
    ? '(SELECT last_us FROM remote_total x WHERE x.remote_address = t.remote_address)'
    : 't.last_us';
  return {
    sql: `WITH open AS MATERIALIZED (${OPEN_MINUTES}),
host AS (
  SELECT t.remote_address AS address, ${lasts} AS last_us, ${SUMS.map((name) => `t.${name} AS ${name}`).join(', ')}
    FROM ${byProgram ? 'remote_program' : 'remote_total'} t WHERE ${where.sql}
  UNION ALL SELECT t.remote_address, t.last_us, ${SUMS.map((name) => `t.${name}`).join(', ')} FROM open t WHERE ${where.sql}),
picked AS MATERIALIZED (
  SELECT c.address AS address, a.text AS text, a.bytes AS bytes, a.first_us AS seen_us, coalesce(a.first_us, max(c.last_us)) AS first_us,
    max(coalesce(a.first_us, 0), max(c.last_us)) AS last_us, ${SUMS.map((name) => `sum(c.${name}) AS ${name}`).join(', ')},
    sum(c.tx_ip_bytes + c.rx_ip_bytes) AS ip_bytes
  FROM host c LEFT JOIN address a ON a.id = c.address GROUP BY c.address
  ORDER BY ${HOST_SORTS[order.by].sql} ${sqlDirection(order)}, a.bytes LIMIT ?),
pair AS MATERIALIZED (
  SELECT t.remote_address AS address, t.program AS program, t.reason AS reason, t.tx_ip_bytes + t.rx_ip_bytes AS ip_bytes
    FROM picked CROSS JOIN remote_program t ON t.remote_address = picked.address WHERE ${pairs.sql}
  UNION ALL SELECT t.remote_address, t.program, t.reason, t.tx_ip_bytes + t.rx_ip_bytes
    FROM open t WHERE t.remote_address IN (SELECT address FROM picked) AND ${pairs.sql}),
caller AS MATERIALIZED (
  SELECT g.id AS program, ${CALLER} AS name FROM program g WHERE g.id IN (SELECT program FROM pair)),
called AS (
  SELECT p.address AS address, coalesce(w.name, '(' || r.token || ')', '(no name)') AS name, sum(p.ip_bytes) AS ip_bytes
  FROM pair p LEFT JOIN caller w ON w.program = p.program LEFT JOIN reason r ON r.id = p.reason GROUP BY 1, 2),
callers AS MATERIALIZED (
  SELECT address, group_concat(name, ', ' ORDER BY ip_bytes DESC, name) AS names FROM called GROUP BY address)
SELECT c.text AS remote_addr, ${HOST_NAMES} AS name, coalesce(c.seen_us >= ?, 0) AS is_new, c.seen_us AS seen_us,
  c.first_us AS first_us, c.last_us AS last_us, w.names AS processes,
  ${SUMS.map((name) => `c.${name} AS ${name}`).join(', ')}, c.ip_bytes AS ip_bytes
FROM picked c LEFT JOIN callers w ON w.address = c.address
ORDER BY ${HOST_SORTS[order.by].sql} ${sqlDirection(order)}, c.bytes`,
    params: [...where.params, ...where.params, limit ?? NO_LIMIT, ...pairs.params, ...pairs.params, sinceUs],
  };
}
