/** Fills a database with made-up flows, inside SQLite: ten million in about a minute. */
import { TRAFFIC_SUMS } from '../../src/core/usage.ts';
import { FILL_TOTALS } from '../../src/store/migration-13.ts';
import {
  CAPTURED_KEY,
  CAPTURED_SUMS,
  LEVELS,
  type Level,
  PROGRAM_KEY,
  TRAFFIC_KEY,
} from '../../src/store/rollup-tables.ts';
import { SERVICE_PORT_SQL } from '../../src/store/service-port.ts';
import type { Sqlite } from '../../src/store/sqlite.ts';

export interface Filling {
  readonly flows: number;
  readonly processes: number;
  readonly programs: number;
  readonly fromUs: number;
  readonly spanUs: number;
}

const REMOTES = 20_000;

/** Flows in order of time, each of a process to one of 20,000 addresses, half of them to a hundred. */
export function fillFlows(db: Sqlite, { flows, processes, programs, fromUs, spanUs }: Filling): void {
  db.pragma('journal_mode = OFF');
  db.pragma('synchronous = OFF');
  db.pragma('cache_size = -1000000');
  const indexes = db
    .prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND tbl_name = 'flow' AND sql IS NOT NULL")
    .all() as { readonly name: string; readonly sql: string }[];
  for (const { name } of indexes) db.exec(`DROP INDEX ${name}`);
  db.exec('BEGIN');
  db.exec(`INSERT INTO address (bytes, text) WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ${REMOTES})
    SELECT unhex(printf('0b00%04x', i)), '11.0.' || (i >> 8) || '.' || (i & 255) FROM n`);
  db.prepare(
    `INSERT INTO flow (id, capture, protocol, src_address, src_port, dst_address, dst_port, ifindex, packet_type, first_us,
      last_us, end_reason, orig_packets, orig_bytes, orig_ip_bytes, reply_packets, reply_bytes, reply_ip_bytes,
      duplicate_packets, duplicate_bytes, src_process, src_program, src_source, src_match, src_gap_us, src_holders, dst_reason)
    WITH RECURSIVE n(i, r) AS (SELECT 1, 12345 UNION ALL SELECT i + 1, (r * 1103515245 + 12345) & 2147483647 FROM n WHERE i < ?)
    SELECT i, 1, 6, 1, 32768 + (r >> 8) % 28000,
      2 + CASE WHEN r & 64 THEN (r >> 9) % 100 ELSE (r >> 9) % ${REMOTES - 2} END, CASE WHEN r & 128 THEN 443 ELSE 80 END, 2, 4,
      ? + i * ? / ?, ? + i * ? / ? + (r >> 10) % 2000000, 3, 10, 1500, 1360, 12, 9000 + (r >> 12) % 9000, 8800 + (r >> 12) % 9000,
      0, 0, 1 + (r >> 7) % ${processes}, 1 + (r >> 7) % ${programs}, 1, 1, 0, 1, 5 FROM n`,
  ).run(flows, fromUs, spanUs, flows, fromUs, spanUs, flows);
  for (const { sql } of indexes) db.exec(sql);
  db.exec('COMMIT');
}

/** As the store would have counted these flows: each within a minute. */
export function fillRollups(db: Sqlite): void {
  const minute = bucketSql('minute', 'f.last_us');
  const sums = (names: readonly string[]) => names.map((name) => `sum(${name})`).join(', ');
  db.exec(`BEGIN;
    INSERT INTO traffic_minute SELECT ${minute}, f.src_program, 0, f.dst_address, ${SERVICE_PORT_SQL}, f.protocol, count(*),
      sum(f.orig_packets), sum(f.orig_bytes), sum(f.orig_ip_bytes), sum(f.reply_packets), sum(f.reply_bytes), sum(f.reply_ip_bytes)
      FROM flow f GROUP BY 1, 2, 3, 4, 5, 6;
    INSERT INTO program_minute SELECT ${PROGRAM_KEY.join(', ')}, ${sums(TRAFFIC_SUMS)} FROM traffic_minute GROUP BY 1, 2, 3;
    INSERT INTO captured_minute SELECT bucket_us, 0, sum(flows), sum(tx_packets + rx_packets), sum(tx_bytes + rx_bytes),
      sum(tx_ip_bytes + rx_ip_bytes) FROM program_minute GROUP BY 1;`);
  const tables = [
    ['traffic', TRAFFIC_KEY, TRAFFIC_SUMS],
    ['program', PROGRAM_KEY, TRAFFIC_SUMS],
    ['captured', CAPTURED_KEY, CAPTURED_SUMS],
  ] as const;
  for (const [name, key, counters] of tables) {
    for (const [fine, coarse] of [
      ['minute', 'hour'],
      ['hour', 'day'],
    ] as const) {
      const columns = [bucketSql(coarse, 'bucket_us'), ...key.slice(1)].join(', ');
      const group = key.map((_, i) => i + 1).join(', ');
      db.exec(
        `INSERT INTO ${name}_${coarse} SELECT ${columns}, ${sums(counters)} FROM ${name}_${fine} GROUP BY ${group}`,
      );
    }
  }
  db.exec(`${FILL_TOTALS}
    COMMIT`);
  db.exec(
    'UPDATE capture SET ended_us = x.last, last_us = x.last, longest_us = 2000000 FROM (SELECT max(last_us) AS last FROM flow) x',
  );
}

const bucketSql = (level: Level, us: string) => `${us} / ${LEVELS[level]} * ${LEVELS[level]}`;
