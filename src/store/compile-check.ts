/** Questions whose answer is empty when a database is sound: every row says what differs, and by how much. */
import { TRAFFIC_SUMS } from '../core/usage.ts';
import type { CompiledQuery } from './compile-query.ts';
import {
  CAPTURED_KEY,
  CAPTURED_SUMS,
  Captured,
  LEVELS,
  type Level,
  PROGRAM_KEY,
  TRAFFIC_KEY,
} from './rollup-tables.ts';
import { CALLER_KEY, PROCESS_SUMS, REMOTE_KEY } from './total-tables.ts';

/** Most rows that one question answers: more would only say the same. */
const MOST = 5;

interface Sums {
  readonly name: string;
  readonly key: readonly string[];
  readonly sums: readonly string[];
}
const TABLES: readonly Sums[] = [
  { name: 'traffic', key: TRAFFIC_KEY, sums: TRAFFIC_SUMS },
  { name: 'program', key: PROGRAM_KEY, sums: TRAFFIC_SUMS },
  { name: 'captured', key: CAPTURED_KEY, sums: CAPTURED_SUMS },
];

export interface Check {
  readonly what: string; // as a sentence that holds
  readonly query: CompiledQuery;
}

/** Both sides as rows of the same columns, the second one taken away: what remains differs. */
function difference(key: readonly string[], sums: readonly string[], one: string, other: string): CompiledQuery {
  const columns = [...key, ...sums].join(', ');
  const negative = [...key, ...sums.map((name) => `-${name}`)].join(', ');
  return {
    sql: `SELECT ${[...key, ...sums.map((name) => `sum(${name}) AS ${name}`)].join(', ')}
FROM (SELECT ${columns} FROM (${one}) UNION ALL SELECT ${negative} FROM (${other}))
${key.length === 0 ? '' : `GROUP BY ${key.join(', ')}`} HAVING ${sums.map((name) => `sum(${name}) <> 0`).join(' OR ')} LIMIT ${MOST}`,
    params: [],
  };
}

/** From here on a level is complete; what is older is being deleted. */
const keptFrom = (level: Level) => `(SELECT from_us FROM kept WHERE what = '${level}')`;

/** Other levels have these minutes not yet. */
const FOLDED = 'bucket_us NOT IN (SELECT bucket_us FROM unfolded)';

function levelCheck({ name, key, sums }: Sums, fine: Level, coarse: Level): Check {
  const bucket = `bucket_us / ${LEVELS[coarse]} * ${LEVELS[coarse]}`;
  const [, ...rest] = key;
  const finer = `SELECT ${[`${bucket} AS bucket_us`, ...rest, ...sums].join(', ')} FROM ${name}_${fine} WHERE bucket_us >= ${keptFrom(fine)}${fine === 'minute' && name !== 'captured' ? ` AND ${FOLDED}` : ''}`;
  const coarser = `SELECT * FROM ${name}_${coarse} WHERE bucket_us >= max(${keptFrom(fine)}, ${keptFrom(coarse)})`;
  return {
    what: `${name} by ${coarse} is ${name} by ${fine}, added up`,
    query: difference(key, sums, finer, coarser),
  };
}

const programCheck = (level: Level): Check => ({
  what: `traffic of programs by ${level} is that of their services, added up`,
  query: difference(
    PROGRAM_KEY,
    TRAFFIC_SUMS,
    `SELECT * FROM program_${level} WHERE bucket_us >= ${keptFrom(level)}`,
    `SELECT ${[...PROGRAM_KEY, ...TRAFFIC_SUMS].join(', ')} FROM traffic_${level}
  WHERE bucket_us >= ${keptFrom(level)}${level === 'minute' ? ` AND ${FOLDED}` : ''}`,
  ),
});

/** What was deleted by age or size is noted in `kept`. */
const KEPT_SUMS = (what: string) => `SELECT ${CAPTURED_SUMS.join(', ')} FROM kept WHERE what = '${what}'`;
const FLOW_SUMS = `SELECT 1 AS flows, orig_packets + reply_packets AS packets, orig_bytes + reply_bytes AS bytes,
  orig_ip_bytes + reply_ip_bytes AS ip_bytes FROM flow`;

const FLOWS_AND_DAYS: Check = {
  what: 'flows add up to what was captured',
  query: difference(
    [],
    CAPTURED_SUMS,
    `${FLOW_SUMS} UNION ALL ${KEPT_SUMS('flows')}`,
    `SELECT ${CAPTURED_SUMS.join(', ')} FROM captured_day WHERE kind < ${Captured.Beside} AND kind <> ${Captured.NotIp}
  UNION ALL ${KEPT_SUMS('day')}`,
  ),
};

/** A recorder that died had counted packets of flows that it had not stored yet. */
const CAPTURES: Check = {
  what: 'each capture that ended counted the packets of its flows',
  query: {
    sql: `SELECT c.id AS capture, c.flow_packets AS packets, coalesce(sum(f.orig_packets + f.reply_packets), 0) AS in_flows
FROM capture c LEFT JOIN flow f ON f.capture = c.id
WHERE c.ended_us IS NOT NULL AND c.forced = 0 AND c.flows_lost = 0 AND (SELECT flows FROM kept WHERE what = 'flows') = 0
GROUP BY c.id HAVING c.flow_packets <> coalesce(sum(f.orig_packets + f.reply_packets), 0) LIMIT ${MOST}`,
    params: [],
  },
};

const negative = (table: string, key: string, sums: readonly string[]) =>
  `SELECT '${table}' AS counters, ${key} AS key FROM ${table} WHERE ${sums.map((sum) => `${sum} < 0`).join(' OR ')}`;

/** Nothing can have counted less than nothing. */
const NEGATIVE: Check = {
  what: 'no counter is negative',
  query: {
    sql: [
      ...TABLES.flatMap(({ name, sums }) =>
        (Object.keys(LEVELS) as Level[]).map((level) => negative(`${name}_${level}`, 'bucket_us', sums)),
      ),
      ...['remote_total', 'remote_program'].map((name) => negative(name, 'remote_address', TRAFFIC_SUMS)),
      negative('process_total', 'process', PROCESS_SUMS),
    ].join(' UNION ALL '),
    params: [],
  },
};

/** As long as nothing was deleted that they were counted of. */
const whole = (what: readonly string[], rows: string) =>
  `SELECT * FROM (${rows}) WHERE (SELECT max(from_us) FROM kept WHERE what IN (${what.map((one) => `'${one}'`).join(', ')})) = 0`;
const SUMS = TRAFFIC_SUMS.join(', ');
const ENDS = `SELECT src_process AS process, 1 AS flows, orig_ip_bytes AS tx_ip_bytes, reply_ip_bytes AS rx_ip_bytes FROM flow
  WHERE src_process IS NOT NULL UNION ALL
SELECT dst_process, 1, reply_ip_bytes, orig_ip_bytes FROM flow WHERE dst_process IS NOT NULL`;

const TOTALS: readonly Check[] = [
  {
    what: 'totals of remotes are traffic by day, added up',
    query: difference(
      CALLER_KEY,
      TRAFFIC_SUMS,
      whole(['day', 'remotes'], `SELECT ${CALLER_KEY.join(', ')}, ${SUMS} FROM remote_program`),
      whole(['day', 'remotes'], `SELECT ${CALLER_KEY.join(', ')}, ${SUMS} FROM traffic_day`),
    ),
  },
  {
    what: 'totals of remotes are those of their programs, added up',
    query: difference(
      REMOTE_KEY,
      TRAFFIC_SUMS,
      `SELECT remote_address, ${SUMS} FROM remote_total`,
      `SELECT remote_address, ${SUMS} FROM remote_program`,
    ),
  },
  {
    what: 'totals of processes are those of their flows, added up',
    query: difference(
      ['process'],
      PROCESS_SUMS,
      whole(['flows'], `SELECT process, ${PROCESS_SUMS.join(', ')} FROM process_total`),
      whole(['flows'], ENDS),
    ),
  },
];

export const CHECKS: readonly Check[] = [
  FLOWS_AND_DAYS,
  CAPTURES,
  ...TABLES.flatMap((table) => [levelCheck(table, 'minute', 'hour'), levelCheck(table, 'hour', 'day')]),
  ...(Object.keys(LEVELS) as Level[]).map(programCheck),
  ...TOTALS,
  NEGATIVE,
];
