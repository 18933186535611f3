/** The counters by minute, hour and day: what their tables are called and hold. */
import { DAY_US, HOUR_US, MINUTE_US, type Us } from '../core/time.ts';
import { TRAFFIC_SUMS } from '../core/usage.ts';

/** Lengths of buckets, which begin at multiples of them since the epoch, finest first. */
export const LEVELS = { minute: MINUTE_US, hour: HOUR_US, day: DAY_US } as const satisfies Record<string, Us>;
export type Level = keyof typeof LEVELS;
export const LEVEL_NAMES = Object.keys(LEVELS) as Level[];

export function bucketOf(level: Level, us: Us): Us {
  return us - (us % LEVELS[level]);
}

/** By service: program 0 is unknown, reason 0 is a named process, address 0 is `other`, port 0 is none. */
export const TRAFFIC_KEY = ['bucket_us', 'program', 'reason', 'remote_address', 'service_port', 'protocol'] as const;
export const PROGRAM_KEY = ['bucket_us', 'program', 'reason'] as const;

/** Of whole flows, each once, and of what has no flow. */
export const CAPTURED_SUMS = ['flows', 'packets', 'bytes', 'ip_bytes'] as const;
export const CAPTURED_KEY = ['bucket_us', 'kind'] as const;

/**
 * What became of packets. Kinds below `Beside` add up to what was captured: codes of REASONS are those of flows without
 * a process at any end; those above stand beside the sum.
 */
export const Captured = {
  Attributed: 0,
  NotIp: 9, // code of REASONS
  NotLookedUp: 64,
  Beside: 128,
  Duplicate: 128,
  Malformed: 129,
  KernelDrop: 130,
  InterfaceDrop: 131,
} as const;

const columns = (names: readonly string[]) => names.map((name) => `${name} INTEGER NOT NULL`).join(', ');

const table = (name: string, key: readonly string[], sums: readonly string[]) =>
  `CREATE TABLE ${name} (${columns([...key, ...sums])}, PRIMARY KEY (${key.join(', ')})) STRICT, WITHOUT ROWID;`;

/** Schema of all levels. Part of a migration: never edit what it makes. */
export const ROLLUP_TABLES = LEVEL_NAMES.flatMap((level) => [
  table(`traffic_${level}`, TRAFFIC_KEY, TRAFFIC_SUMS),
  table(`program_${level}`, PROGRAM_KEY, TRAFFIC_SUMS),
  table(`captured_${level}`, CAPTURED_KEY, CAPTURED_SUMS),
]).join('\n');
