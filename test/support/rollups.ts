/** What the counters by minute, hour and day hold, for tests of who writes them. */
import { CHECKS } from '../../src/store/compile-check.ts';
import { LEVEL_NAMES } from '../../src/store/rollup-tables.ts';
import { rowsOf } from './database.ts';

/** All rows of all levels, in order. */
export function rollupsOf(path: string): Record<string, unknown[]> {
  const tables = LEVEL_NAMES.flatMap((level) => [`traffic_${level}`, `program_${level}`, `captured_${level}`]);
  return Object.fromEntries(tables.map((table) => [table, rowsOf(path, `SELECT * FROM ${table}`)]));
}

/** Sentences of `db check` that do not hold. @param literal: ticks of literals do not count what they captured */
export function brokenRules(path: string, literal = true): unknown[] {
  return CHECKS.flatMap(({ what, query }) => {
    const rows = literal && what.startsWith('each capture') ? [] : rowsOf(path, query.sql, ...query.params);
    return rows.length === 0 ? [] : [{ what, rows }];
  });
}

/** By program and reason, all times together: as flows say, and as the counters say. */
export const TRAFFIC_OF_FLOWS = `SELECT coalesce(program, 0) AS program,
  CASE WHEN process IS NULL THEN (SELECT id FROM reason WHERE token = reason_token) ELSE 0 END AS reason, count(*) AS flows,
  sum(tx_packets) AS tx_packets, sum(rx_ip_bytes) AS rx_ip_bytes
  FROM (SELECT *, reason AS reason_token FROM endpoint) GROUP BY 1, 2 ORDER BY 1, 2`;
export const TRAFFIC_OF_DAYS = `SELECT program, reason, sum(flows) AS flows, sum(tx_packets) AS tx_packets,
  sum(rx_ip_bytes) AS rx_ip_bytes FROM program_day GROUP BY 1, 2 ORDER BY 1, 2`;
