import { TRAFFIC_SUMS } from '../core/usage.ts';
import {
  CAPTURED_KEY,
  CAPTURED_SUMS,
  Captured,
  LEVELS,
  type Level,
  PROGRAM_KEY,
  ROLLUP_TABLES,
  TRAFFIC_KEY,
} from './rollup-tables.ts';
import { SERVICE_PORT_SQL } from './service-port.ts';
import { views } from './views.ts';

/**
 * Schema version 3: counters by minute, hour and day, and since when each of them and the flows are complete. Flows
 * that are there already are counted in the minute of their last packet.
 */
const bucket = (level: Level, us: string) => `${us} / ${LEVELS[level]} * ${LEVELS[level]}`;
const sumsOf = (names: readonly string[]) => names.map((name) => `sum(${name})`).join(', ');

const endOf = (side: 'src' | 'dst', other: 'src' | 'dst', tx: string, rx: string) => `
SELECT ${bucket('minute', 'f.last_us')} AS bucket_us, coalesce(f.${side}_program, 0) AS program,
  CASE WHEN f.${side}_process IS NULL THEN f.${side}_reason ELSE 0 END AS reason, f.${other}_address AS remote_address,
  coalesce(${SERVICE_PORT_SQL}, 0) AS service_port, f.protocol AS protocol, 1 AS flows,
  f.${tx}_packets AS tx_packets, f.${tx}_bytes AS tx_bytes, f.${tx}_ip_bytes AS tx_ip_bytes,
  f.${rx}_packets AS rx_packets, f.${rx}_bytes AS rx_bytes, f.${rx}_ip_bytes AS rx_ip_bytes
FROM flow f WHERE f.${side}_process IS NOT NULL OR f.${side}_reason NOT IN (4, 5)`;

/** As kindOf() of flow-share.ts decides. */
const KIND = `CASE WHEN f.src_process IS NOT NULL OR f.dst_process IS NOT NULL THEN ${Captured.Attributed}
    WHEN f.src_reason <> 5 THEN f.src_reason WHEN f.dst_reason <> 5 THEN f.dst_reason
    ELSE coalesce(f.src_reason, f.dst_reason, ${Captured.NotLookedUp}) END`;

const beside = (kind: number, packets: string, bytes: string) => `
SELECT ${bucket('minute', 'last_us')}, ${kind}, 0, sum(${packets}), sum(${bytes}), 0 FROM capture
WHERE ${packets} > 0 GROUP BY 1`;

/** Fills a coarser level from a finer one. */
const coarser = (name: string, from: Level, to: Level, key: readonly string[], sums: readonly string[]) => {
  const rest = key.slice(1);
  return `INSERT INTO ${name}_${to} SELECT ${[bucket(to, 'bucket_us'), ...rest].join(', ')}, ${sumsOf(sums)}
FROM ${name}_${from} GROUP BY ${[bucket(to, 'bucket_us'), ...rest].join(', ')};`;
};

export const MIGRATION_3 = `
DROP VIEW endpoint;
DROP VIEW flow_record;
${ROLLUP_TABLES}
CREATE TABLE flow_checkpoint (
  flow INTEGER NOT NULL REFERENCES flow, bucket_us INTEGER NOT NULL,
  orig_packets INTEGER NOT NULL, orig_bytes INTEGER NOT NULL, orig_ip_bytes INTEGER NOT NULL,
  reply_packets INTEGER NOT NULL, reply_bytes INTEGER NOT NULL, reply_ip_bytes INTEGER NOT NULL,
  PRIMARY KEY (flow, bucket_us)
) STRICT, WITHOUT ROWID;
CREATE TABLE kept (
  what TEXT PRIMARY KEY, from_us INTEGER NOT NULL, flows INTEGER NOT NULL DEFAULT 0, packets INTEGER NOT NULL DEFAULT 0,
  bytes INTEGER NOT NULL DEFAULT 0, ip_bytes INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
INSERT INTO kept (what, from_us) VALUES ('flows', 0), ('minute', 0), ('hour', 0), ('day', 0);
INSERT INTO traffic_minute SELECT ${TRAFFIC_KEY.join(', ')}, ${sumsOf(TRAFFIC_SUMS)}
  FROM (${endOf('src', 'dst', 'orig', 'reply')} UNION ALL ${endOf('dst', 'src', 'reply', 'orig')})
  GROUP BY ${TRAFFIC_KEY.join(', ')};
INSERT INTO program_minute SELECT ${PROGRAM_KEY.join(', ')}, ${sumsOf(TRAFFIC_SUMS)} FROM traffic_minute
  GROUP BY ${PROGRAM_KEY.join(', ')};
INSERT INTO captured_minute SELECT ${bucket('minute', 'f.last_us')}, ${KIND}, count(*),
  sum(f.orig_packets + f.reply_packets), sum(f.orig_bytes + f.reply_bytes), sum(f.orig_ip_bytes + f.reply_ip_bytes)
  FROM flow f GROUP BY 1, 2;
INSERT INTO captured_minute ${beside(Captured.NotIp, 'not_ip_packets', 'not_ip_bytes')};
INSERT INTO captured_minute ${beside(Captured.Duplicate, 'duplicate_packets', 'duplicate_bytes')};
INSERT INTO captured_minute ${beside(Captured.Malformed, 'bad_packets', 'bad_bytes')};
INSERT INTO captured_minute ${beside(Captured.KernelDrop, 'kernel_drops', '0')};
INSERT INTO captured_minute ${beside(Captured.InterfaceDrop, 'interface_drops', '0')};
${coarser('traffic', 'minute', 'hour', TRAFFIC_KEY, TRAFFIC_SUMS)}
${coarser('traffic', 'hour', 'day', TRAFFIC_KEY, TRAFFIC_SUMS)}
${coarser('program', 'minute', 'hour', PROGRAM_KEY, TRAFFIC_SUMS)}
${coarser('program', 'hour', 'day', PROGRAM_KEY, TRAFFIC_SUMS)}
${coarser('captured', 'minute', 'hour', CAPTURED_KEY, CAPTURED_SUMS)}
${coarser('captured', 'hour', 'day', CAPTURED_KEY, CAPTURED_SUMS)}
${views(3)}`;
