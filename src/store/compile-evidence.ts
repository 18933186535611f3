/** What names stand on. */
import type { CompiledQuery } from './compile-query.ts';
import { endpointWhere, type FlowFilter } from './conditions.ts';

/** Local ends with a process by source, match and confidence of the evidence: each end with what it sent and received. */
export function compileEvidence(filter: FlowFilter): CompiledQuery {
  const where = endpointWhere(filter);
  return {
    sql: `SELECT e.source AS source, e.match AS match, e.confidence AS confidence, count(*) AS ends,
  sum(e.tx_packets + e.rx_packets) AS packets, sum(e.tx_ip_bytes + e.rx_ip_bytes) AS ip_bytes, max(e.gap_us) AS most_gap_us
FROM endpoint e WHERE e.process IS NOT NULL AND ${where.sql} GROUP BY 1, 2, 3 ORDER BY 6 DESC, 1, 2, 3`,
    params: where.params,
  };
}
