/** Recordings and imports that have a part in a range of time. */
import type { CompiledQuery } from './compile-query.ts';
import type { Range } from './usage-plan.ts';

/** The latest first. */
export function compileCaptures({ fromUs, toUs }: Range): CompiledQuery {
  return {
    sql: `SELECT c.id AS capture, h.name AS host, c.backend AS backend, c.interface AS interface, c.filter AS filter,
  c.snaplen AS snaplen, c.sources AS sources, c.command AS command, c.version AS version, nullif(c.started_us, 0) AS started_us,
  c.last_us AS last_us, c.ended_us AS ended_us, c.forced AS forced, c.packets AS packets, c.bytes AS bytes,
  c.ip_bytes AS ip_bytes, c.duplicate_packets AS duplicate_packets, c.not_ip_packets AS not_ip_packets,
  c.bad_packets AS bad_packets, c.kernel_drops AS kernel_drops, c.interface_drops AS interface_drops,
  c.flows_evicted AS flows_evicted, c.flows_lost AS flows_lost, c.facts_lost AS facts_lost, c.facts_late AS facts_late,
  c.looks_skipped AS looks_skipped, c.names_lost AS names_lost
FROM capture c LEFT JOIN host h ON h.id = c.host
WHERE c.started_us < ? AND c.last_us >= ? ORDER BY c.started_us DESC, c.id DESC`,
    params: [toUs, fromUs],
  };
}

/** What passed the interfaces of those recordings, all sightings of a packet; by name. */
export function compileCapturedInterfaces({ fromUs, toUs }: Range): CompiledQuery {
  return {
    sql: `SELECT i.name AS name, sum(i.packets) AS packets, sum(i.bytes) AS bytes
FROM capture_interface i JOIN capture c ON c.id = i.capture
WHERE c.started_us < ? AND c.last_us >= ? GROUP BY 1 HAVING sum(i.packets) > 0 ORDER BY 3 DESC, 1`,
    params: [toUs, fromUs],
  };
}

/** Files that became those captures, in their order. */
export function compileCapturedFiles({ fromUs, toUs }: Range): CompiledQuery {
  return {
    sql: `SELECT n.use AS use, n.path AS path, n.bytes AS bytes, n.sha256 AS sha256, NULL AS damage
FROM provenance n JOIN capture c ON c.id = n.capture WHERE c.started_us < ? AND c.last_us >= ? ORDER BY n.id`,
    params: [toUs, fromUs],
  };
}
