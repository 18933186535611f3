/** What usage can be added up by, and where each grouping finds its numbers. */
import type { UsageKey } from '../core/usage.ts';

/** Tables by bucket that hold what a grouping needs; null: only flows do. */
export type Source = 'program' | 'traffic' | null;

/**
 * A way to group local ends. `inner` are columns of the source, which rows are summed by first, `keys` are the columns
 * of the answer that make the group, `known` says in SQL when an end belongs to a group by name.
 */
export interface Grouping {
  readonly source: Source;
  readonly inner: readonly string[];
  readonly keys: Readonly<Partial<Record<UsageKey, string>>>;
  readonly known: string;
}

const CONTAINER = 'coalesce(k.name, g.container)';
const byTime: Grouping = {
  source: 'program',
  inner: ['bucket_us'],
  keys: { bucket_us: 's.bucket_us' },
  known: '1',
};

export const GROUPINGS = {
  process: {
    source: 'program',
    inner: ['program'],
    keys: { exe: 'g.exe', uid: 'g.uid', user: 'u.name', unit: 'g.unit', container: CONTAINER },
    known: 's.named OR g.exe IS NOT NULL',
  },
  pid: {
    source: null,
    inner: ['process', 'program'],
    keys: {
      pid: 'p.pid',
      comm: 'p.comm',
      exe: 'coalesce(p.exe, g.exe)',
      uid: 'coalesce(nullif(p.uid, 4294967295), g.uid)', // NO_UID: not known
      user: 'u.name',
      unit: 'g.unit',
      container: CONTAINER,
    },
    known: 's.process IS NOT NULL',
  },
  exe: { source: 'program', inner: ['program'], keys: { exe: 'g.exe' }, known: 's.named OR g.exe IS NOT NULL' },
  user: { source: 'program', inner: ['program'], keys: { uid: 'g.uid', user: 'u.name' }, known: 'g.uid IS NOT NULL' },
  unit: { source: 'program', inner: ['program'], keys: { unit: 'g.unit' }, known: 's.named OR g.unit IS NOT NULL' },
  container: {
    source: 'program',
    inner: ['program'],
    keys: { container: CONTAINER },
    known: 's.named OR g.container IS NOT NULL',
  },
  remote: { source: 'traffic', inner: ['remote_address'], keys: { remote_addr: 'a.text' }, known: '1' },
  name: { source: null, inner: ['remote_name'], keys: { remote_name: 's.remote_name' }, known: '1' },
  port: {
    source: 'traffic',
    inner: ['protocol', 'service_port'],
    keys: { protocol: 'o.token', port: 'nullif(s.service_port, 0)' },
    known: '1',
  },
  protocol: { source: 'traffic', inner: ['protocol'], keys: { protocol: 'o.token' }, known: '1' },
  interface: {
    source: null,
    inner: ['capture', 'netns_row', 'ifindex'],
    keys: { interface: 'i.name' },
    known: '1',
  },
  minute: byTime,
  hour: byTime,
  day: byTime,
} as const satisfies Record<string, Grouping>;
export type GroupBy = keyof typeof GROUPINGS;
export const GROUPS = Object.keys(GROUPINGS) as GroupBy[];

/** Tables that turn the columns of `inner` into those of `keys`. */
export function joinsOf({ inner, keys }: Grouping): string {
  const uid = keys.uid ?? 'g.uid';
  const joins: readonly (readonly [wanted: boolean, sql: string])[] = [
    [inner.includes('process'), 'LEFT JOIN process p ON p.id = s.process'],
    [inner.includes('program'), 'LEFT JOIN program g ON g.id = s.program'],
    [keys.container !== undefined, 'LEFT JOIN container k ON k.id = g.container'],
    [
      keys.user !== undefined,
      `LEFT JOIN user u ON u.uid = ${uid} AND u.host = (SELECT max(x.host) FROM user x WHERE x.uid = ${uid})`,
    ],
    [inner.includes('remote_address'), 'LEFT JOIN address a ON a.id = s.remote_address'],
    [inner.includes('protocol'), 'LEFT JOIN protocol o ON o.id = s.protocol'],
    [
      inner.includes('ifindex'),
      'LEFT JOIN capture_interface i ON i.capture = s.capture AND i.netns = coalesce(s.netns_row, 0) AND i.ifindex = s.ifindex',
    ],
  ];
  return joins.flatMap(([wanted, sql]) => (wanted ? [sql] : [])).join('\n');
}
