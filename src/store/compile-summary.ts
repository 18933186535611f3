/** The latest capture as a whole: what `record` and `read` print when they end. */
import type { CompiledQuery } from './compile-query.ts';

/** One row. `named`: at least one end has a process; `local`: at least one end is of this host. */
export function compileLatestCapture(): CompiledQuery {
  return {
    sql: `SELECT c.id, c.backend, c.interface, c.started_us, c.ended_us, c.packets, c.bytes, c.kernel_drops, c.not_ip_packets,
  c.bad_packets, c.duplicate_packets, c.flows_evicted, c.flows_lost, c.facts_lost, c.facts_late, c.names_lost, c.looks_skipped,
  count(f.id) AS flows, coalesce(sum(f.orig_packets + f.reply_packets), 0) AS flow_packets,
  coalesce(sum(f.orig_ip_bytes + f.reply_ip_bytes), 0) AS ip_bytes,
  coalesce(sum(f.src_process IS NOT NULL OR f.dst_process IS NOT NULL), 0) AS named_flows,
  coalesce(sum(CASE WHEN f.src_process IS NOT NULL OR f.dst_process IS NOT NULL
    THEN f.orig_ip_bytes + f.reply_ip_bytes ELSE 0 END), 0) AS named_ip_bytes
FROM capture c LEFT JOIN flow f ON f.capture = c.id
WHERE c.id = (SELECT max(id) FROM capture) GROUP BY c.id`,
    params: [],
  };
}

/** One row about the latest `count` sockets, those of the latest capture. `named`: a process is known that had it. */
export function compileLatestSockets(count: number): CompiledQuery {
  return {
    sql: `SELECT count(*) AS sockets, (SELECT facts_lost FROM capture ORDER BY id DESC LIMIT 1) AS facts_lost,
  coalesce(sum(process IS NOT NULL OR EXISTS (SELECT 1 FROM holder h WHERE h.socket = s.id)), 0) AS named
FROM socket s WHERE id > (SELECT coalesce(max(id), 0) FROM socket) - ?`,
    params: [count],
  };
}

/** Between the paths of a capture that was read from several files. */
export const FILE_SEPARATOR = ' + ';

/** Captures that were read from the file `path`, as it was named then, alone or with others. */
export function compileCapturesOfFile(path: string): CompiledQuery {
  return {
    sql: "SELECT id FROM capture WHERE backend = 'file' AND instr(? || interface || ?, ?) > 0",
    params: [FILE_SEPARATOR, FILE_SEPARATOR, `${FILE_SEPARATOR}${path}${FILE_SEPARATOR}`],
  };
}
