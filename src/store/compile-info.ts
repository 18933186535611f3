/** What a database holds, for `db info`. */
import type { CompiledQuery } from './compile-query.ts';

export function compileContents(): CompiledQuery {
  return {
    sql: `SELECT (SELECT user_version FROM pragma_user_version) AS schema_version,
  (SELECT page_count FROM pragma_page_count) * (SELECT page_size FROM pragma_page_size) AS file_bytes,
  (SELECT freelist_count FROM pragma_freelist_count) * (SELECT page_size FROM pragma_page_size) AS free_bytes,
  (SELECT count(*) FROM capture) AS captures, (SELECT min(started_us) FROM capture) AS first_us,
  (SELECT max(last_us) FROM capture) AS last_us, (SELECT pid FROM recorder) AS recorder_pid,
  (SELECT count(*) FROM flow) AS flows, (SELECT count(*) FROM process) AS processes,
  (SELECT count(*) FROM program) AS programs, (SELECT count(*) FROM socket) AS sockets,
  (SELECT count(*) FROM address) AS addresses`,
    params: [],
  };
}

/** Since when what is complete: 0 is since ever. */
export function compileKeptSince(): CompiledQuery {
  const order =
    "CASE what WHEN 'flows' THEN 0 WHEN 'sockets' THEN 1 WHEN 'minute' THEN 2 WHEN 'hour' THEN 3 WHEN 'day' THEN 4 ELSE 5 END";
  return { sql: `SELECT what, from_us, flows, ip_bytes FROM kept ORDER BY ${order}`, params: [] };
}

/** Octets of tables and of their indexes, largest first; reads the whole file. */
export function compileSizes(): CompiledQuery {
  return {
    sql: `SELECT coalesce(s.tbl_name, d.name) AS "table", sum(CASE WHEN s.type = 'index' THEN 0 ELSE d.ncell END) AS cells,
  sum(CASE WHEN s.type = 'index' THEN 0 ELSE d.pgsize END) AS table_bytes,
  sum(CASE WHEN s.type = 'index' THEN d.pgsize ELSE 0 END) AS index_bytes, sum(d.pgsize) AS bytes
FROM dbstat d LEFT JOIN sqlite_schema s ON s.name = d.name WHERE d.aggregate = TRUE GROUP BY 1 ORDER BY 5 DESC, 1`,
    params: [],
  };
}

/** One row that says ok, or a row for each damage. */
export function compileIntegrity(): CompiledQuery {
  return { sql: 'SELECT integrity_check AS what FROM pragma_integrity_check', params: [] };
}
