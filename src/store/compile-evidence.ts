/** What names stand on. */
import type { CompiledQuery } from './compile-query.ts';
import { type FlowFilter, flowWhere } from './conditions.ts';

/**
 * Local ends with a process by source, match and confidence of the evidence: each end with what it sent and received.
 * The same decisions as in the view `endpoint`, but per group and not per flow.
 */
export function compileEvidence(filter: FlowFilter): CompiledQuery {
  const where = flowWhere(filter);
  const endsOf = (side: 'src' | 'dst') => `SELECT f.${side}_source AS source, f.${side}_match AS match,
  coalesce(f.${side}_gap_us > 0, 0) AS is_late, count(*) AS ends, sum(f.orig_packets + f.reply_packets) AS packets,
  sum(f.orig_ip_bytes + f.reply_ip_bytes) AS ip_bytes, max(f.${side}_gap_us) AS most_gap_us
FROM flow f WHERE f.${side}_process IS NOT NULL AND ${where.sql} GROUP BY 1, 2, 3`;
  const confidence = "CASE WHEN m.id IS NULL THEN 'unknown' WHEN x.is_late THEN m.gap ELSE m.held END";
  return {
    sql: `SELECT s.token AS source, m.token AS match, ${confidence} AS confidence, sum(x.ends) AS ends,
  sum(x.packets) AS packets, sum(x.ip_bytes) AS ip_bytes, max(x.most_gap_us) AS most_gap_us
FROM (${endsOf('src')} UNION ALL ${endsOf('dst')}) x
LEFT JOIN source s ON s.id = x.source LEFT JOIN match m ON m.id = x.match GROUP BY 1, 2, 3 ORDER BY 6 DESC, 1, 2, 3`,
    params: [...where.params, ...where.params],
  };
}
