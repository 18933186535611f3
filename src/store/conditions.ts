/** Filters as SQL conditions. Values are bound parameters; names of columns come from this file only. */
import type { Us } from '../core/time.ts';
import { backwards } from './name-writer.ts';
import type { SqlValue } from './sqlite.ts';
import { nameTextOf } from './views.ts';

/** What to look for. All that is given has to hold; process, pid, user, unit, container and remote at the same end. */
export interface FlowFilter {
  readonly process?: string; // comm, exe, or the last part of exe
  readonly pid?: number;
  readonly user?: string; // name or uid
  readonly unit?: string; // `.service` may be left out
  readonly container?: string; // name, or the first digits of the id
  readonly remote?: AddressRange;
  readonly name?: NameFilter; // of the remote
  readonly port?: number; // of either end
  readonly portIsRare?: boolean; // so few flows have it that an index finds them sooner than the way through all
  readonly protocol?: number;
  readonly sinceUs?: Us; // flows that overlap [sinceUs, untilUs)
  readonly untilUs?: Us;
}

/** Addresses of one family from `first` to `last`, 4 or 16 octets in network order. */
export interface AddressRange {
  readonly first: Uint8Array;
  readonly last: Uint8Array;
}

/** A host name, and those below it. */
export interface NameFilter {
  readonly name: string; // lower case, without the final dot
  readonly itself: boolean;
  readonly below: boolean;
}

export interface Fragment {
  readonly sql: string;
  readonly params: readonly SqlValue[];
}

/** SQL expressions of the row that a filter of ends speaks of. */
export interface EndNames {
  readonly process: string;
  readonly program: string;
  readonly remoteAddress: string | null; // null: the row has none
  readonly remoteName: string; // text; only with a remote address
  readonly reason?: string; // undefined: ends that are not on this host are no rows
}

export const fragment = (sql: string, ...params: SqlValue[]): Fragment => ({ sql, params });

export function and(parts: readonly Fragment[]): Fragment {
  return parts.length === 0 ? fragment('1') : join(parts, ' AND ');
}

export function or(parts: readonly Fragment[]): Fragment {
  return parts.length === 0 ? fragment('1') : fragment(`(${join(parts, ' OR ').sql})`, ...join(parts, ' OR ').params);
}

function join(parts: readonly Fragment[], by: string): Fragment {
  return { sql: parts.map(({ sql }) => sql).join(by), params: parts.flatMap(({ params }) => params) };
}

/** 1 and 58 are ICMP and ICMPv6: their "port" is an echo id. */
const NO_PORTS = 'NOT IN (1, 58)';
const NOT_LOCAL = 5; // code of REASONS

/** Condition on `flow f`: some end of it satisfies the filter. */
export function flowWhere(filter: FlowFilter): Fragment {
  const sides = sidesWhere(filter);
  return and([...flowOnlyWhere(filter), ...(sides.length > 0 ? [or(sides)] : [])]);
}

/** The same as conditions of which one has to hold, so that each can go through an index of its own. */
export function flowAlternatives(filter: FlowFilter): readonly Fragment[] {
  if (filter.pid !== undefined || filter.process !== undefined)
    return sidesWhere(filter).map((side) => and([side, ...flowOnlyWhere(filter)]));
  const { port, portIsRare, ...rest } = filter;
  if (port === undefined || portIsRare !== true) return [flowWhere(filter)];
  return (['src', 'dst'] as const).map((side) =>
    and([fragment(`${portOfAnyAddress(side)} AND f.protocol ${NO_PORTS}`, port), flowWhere(rest)]),
  );
}

/** Ports follow addresses in the index, so a port alone goes through all addresses: 20,000 of them take 0.1 s. */
const portOfAnyAddress = (side: string): string =>
  `f.${side}_address IN (SELECT id FROM address) AND f.${side}_port = ?`;

function flowOnlyWhere(filter: FlowFilter): Fragment[] {
  return [...rangeWhere(filter, 'f'), ...portWhere(filter, 'f.src_port', 'f.dst_port', 'f.protocol')];
}

function sidesWhere(filter: FlowFilter): Fragment[] {
  return (['src', 'dst'] as const).flatMap((side) => {
    const other = side === 'src' ? 'dst' : 'src';
    const remote = { remoteAddress: `f.${other}_address`, remoteName: nameTextOf(other) };
    const own = { process: `f.${side}_process`, program: `f.${side}_program`, reason: `f.${side}_reason` };
    return endAlternatives(filter, { ...own, ...remote });
  });
}

/** Condition on `endpoint e`: this end satisfies the filter. */
export function endpointWhere(filter: FlowFilter): Fragment {
  const remote = { remoteAddress: 'e.remote_address', remoteName: 'e.remote_name' };
  const names = { process: 'e.process', program: 'e.program', ...remote };
  const ends = endAlternatives(filter, names);
  return and([
    ...rangeWhere(filter, 'e'),
    ...portWhere(filter, 'e.local_port', 'e.remote_port', 'e.protocol_number'),
    ...(ends.length > 0 ? [or(ends)] : []),
  ]);
}

/** Condition on a row `t` of traffic or programs by bucket. The range is that of the buckets; the port is the service's. */
export function rollupWhere(filter: FlowFilter): Fragment {
  const { port, protocol } = filter;
  return and([
    ...programWhere(filter, 't.program'),
    ...remoteWhere(filter, 't.remote_address'),
    ...(port === undefined ? [] : [fragment('t.service_port = ? AND t.remote_address <> 0', port)]),
    ...(protocol === undefined ? [] : [fragment('t.protocol = ?', protocol)]),
  ]);
}

/** Conditions of which one has to hold; none: every end will do. Kept apart so that each can use an index of its own. */
export function endAlternatives(filter: FlowFilter, names: EndNames): Fragment[] {
  const common = [
    ...programWhere(filter, names.program),
    ...remoteWhere(filter, names.remoteAddress),
    ...nameWhere(filter, names),
  ];
  // Who has a process is on this host; not to ask for the reason leaves some questions to an index alone.
  const local = names.reason === undefined ? [] : [fragment(`${names.reason} IS NOT ${NOT_LOCAL}`)];
  if (filter.pid !== undefined)
    common.push(fragment(`${names.process} IN (SELECT id FROM process WHERE pid = ?)`, filter.pid));
  if (filter.process === undefined) {
    if (common.length === 0) return [];
    return [and(filter.pid === undefined ? [...common, ...local] : common)];
  }
  const name = filter.process;
  const exe = fragment("(exe = ? OR substr(exe, -length('/' || ?)) = '/' || ?)", name, name, name);
  const byProcess = fragment(
    `${names.process} IN (SELECT id FROM process WHERE comm = ? OR ${exe.sql})`,
    name,
    ...exe.params,
  );
  const byProgram = and([
    fragment(`${names.process} IS NULL`), // shared by processes of one program
    fragment(`${names.program} IN (SELECT id FROM program WHERE ${exe.sql})`, ...exe.params),
  ]);
  return [and([byProcess, ...common]), and([byProgram, ...common, ...local])];
}

function programWhere(filter: FlowFilter, program: string): Fragment[] {
  const conditions: Fragment[] = [];
  const { user, unit, container } = filter;
  const uid = user !== undefined && /^\d+$/.test(user) ? Number(user) : null;
  if (user !== undefined)
    conditions.push(fragment('uid = ? OR uid IN (SELECT uid FROM user WHERE name = ?)', uid, user));
  if (unit !== undefined) conditions.push(fragment("unit = ? OR unit = ? || '.service'", unit, unit));
  if (container !== undefined) {
    const named = 'container IN (SELECT id FROM container WHERE name = ?)';
    const sql = `container = ? OR substr(container, 1, length(?)) = ? OR ${named}`;
    conditions.push(fragment(sql, container, container, container, container));
  }
  return conditions.map(({ sql, params }) =>
    fragment(`${program} IN (SELECT id FROM program WHERE ${sql})`, ...params),
  );
}

function remoteWhere({ remote }: FlowFilter, address: string | null): Fragment[] {
  if (remote === undefined || address === null) return [];
  const { first, last } = remote;
  // Octets compare as text does: without the length, 10.0.0.0/8 would hold IPv6 addresses that begin with 0a.
  const sql = `${address} IN (SELECT id FROM address WHERE bytes BETWEEN ? AND ? AND length(bytes) = ?)`;
  return [fragment(sql, first, last, first.length)];
}

/** The addresses that were ever called so are few, and found by an index; then each flow is asked what it is called. */
function nameWhere({ name }: FlowFilter, { remoteAddress, remoteName }: EndNames): Fragment[] {
  if (name === undefined || remoteAddress === null) return [];
  const start = backwards(`.${name.name}`);
  const called = or([
    ...(name.itself ? [fragment('text = ?', name.name)] : []),
    ...(name.below ? [fragment('backwards >= ? AND backwards < ?', start, afterAll(start))] : []),
  ]);
  const hosts = `SELECT id FROM host_name WHERE ${called.sql}`;
  const sql = `${remoteAddress} IN (SELECT address FROM name WHERE host_name IN (${hosts}))
    AND ${remoteName} IN (SELECT text FROM host_name WHERE ${called.sql})`;
  return [fragment(sql, ...called.params, ...called.params)];
}

/** The first text behind all that begin with `start`, which ends with a dot. */
const afterAll = (start: string): string => `${start.slice(0, -1)}/`;

function portWhere({ port, protocol }: FlowFilter, one: string, other: string, number: string): Fragment[] {
  const conditions: Fragment[] = [];
  if (port !== undefined)
    conditions.push(fragment(`(${one} = ? OR ${other} = ?) AND ${number} ${NO_PORTS}`, port, port));
  if (protocol !== undefined) conditions.push(fragment(`${number} = ?`, protocol));
  return conditions;
}

/** Only first_us is indexed: capture.longest_us, the longest span of any flow, says how far before the range to look. */
function rangeWhere({ sinceUs, untilUs }: FlowFilter, alias: 'f' | 'e'): Fragment[] {
  const conditions: Fragment[] = [];
  if (untilUs !== undefined) conditions.push(fragment(`${alias}.first_us < ?`, untilUs));
  if (sinceUs !== undefined) {
    const longest = '(SELECT coalesce(max(longest_us), 0) FROM capture)';
    conditions.push(fragment(`${alias}.first_us >= ? - ${longest} AND ${alias}.last_us >= ?`, sinceUs, sinceUs));
  }
  return conditions;
}
