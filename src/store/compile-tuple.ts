/** Questions of `who`: flows and sockets on a tuple of which any part may be unknown. */
import { type CompiledQuery, type Limit, NO_LIMIT } from './compile-query.ts';
import { and, type Fragment, flowWhere, fragment, or } from './conditions.ts';

/** One end of a tuple: what is undefined may be anything. */
export interface TupleEnd {
  readonly address?: Uint8Array; // 4 or 16 octets
  readonly port?: number;
}

export interface TupleQuery {
  readonly protocol?: number;
  readonly ends: readonly TupleEnd[]; // one: either end of a flow; two: both, in either order
  readonly range?: { readonly fromUs: number; readonly toUs: number }; // rows that overlap [fromUs, toUs)
}

/** A tuple whose addresses have been looked up. */
export interface StoredTuple extends Omit<TupleQuery, 'ends'> {
  readonly ends: readonly StoredEnd[];
}

export interface StoredEnd {
  readonly address?: number; // row of table address
  readonly port?: number;
}

/** Which index leads to the rows: that of one of the query's ends, or none, from the latest row back. */
export type TuplePlan = 0 | 1 | 'latest-first';

export type TupleTable = 'flow' | 'socket';

const TABLES = {
  flow: {
    alias: 'f',
    sides: ['f.src', 'f.dst'],
    order: 'f.last_us DESC, f.id DESC',
    scan: 'f.first_us DESC, f.id DESC',
  },
  socket: { alias: 'k', sides: ['k.local', 'k.remote'], order: 'k.to_us DESC, k.id DESC', scan: 'k.id DESC' },
} as const;

export function compileAddress(address: Uint8Array): CompiledQuery {
  return { sql: 'SELECT id FROM address WHERE bytes = ?', params: [address] };
}

/** Column `found`: rows of `table` that have this end on either side, counted no further than twice `most`. */
export function compileEndCount(table: TupleTable, end: StoredEnd, most: number): CompiledQuery {
  const { alias, sides } = TABLES[table];
  const counts = sides.map((side) => {
    const { sql, params } = and(endWhere(end, side, ''));
    return fragment(`(SELECT count(*) FROM (SELECT 1 FROM ${table} ${alias} WHERE ${sql} LIMIT ?))`, ...params, most);
  });
  return {
    sql: `SELECT ${counts.map(({ sql }) => sql).join(' + ')} AS found`,
    params: counts.flatMap(({ params }) => params),
  };
}

/** Flows of a tuple, latest first, as rows of flow_record. */
export function compileTuple(query: StoredTuple, plan: TuplePlan, limit: Limit): CompiledQuery {
  const { range, protocol } = query;
  const rest = flowWhere({
    ...(range === undefined ? {} : { sinceUs: range.fromUs, untilUs: range.toUs }),
    ...(protocol === undefined ? {} : { protocol }),
  });
  const picked = pickRows('flow', query, plan, rest, limit);
  return {
    sql: `SELECT r.* FROM (${picked.sql}) picked
CROSS JOIN flow_record r ON r.flow_id = picked.id ORDER BY r.last_us DESC, r.flow_id DESC`,
    params: picked.params,
  };
}

/**
 * Sockets of a tuple from the ownership history, latest first: those that never had a packet, too.
 * Columns are fields of a flow record; src is the socket's local end.
 */
export function compileSockets(query: StoredTuple, plan: TuplePlan, limit: Limit): CompiledQuery {
  const { range, protocol } = query;
  const rest = and([
    ...(protocol === undefined ? [] : [fragment('k.protocol = ?', protocol)]),
    ...(range === undefined ? [] : [fragment('k.from_us < ? AND k.to_us >= ?', range.toUs, range.fromUs)]),
  ]);
  const picked = pickRows('socket', query, plan, rest, limit);
  return {
    sql: `SELECT h.name AS host, n.inode AS src_netns, o.token AS protocol, l.text AS src_addr, k.local_port AS src_port,
  r.text AS dst_addr, k.remote_port AS dst_port, k.from_us AS first_us, k.to_us AS last_us, p.pid AS src_pid,
  p.comm AS src_comm, coalesce(p.exe, g.exe) AS src_exe, p.cmdline AS src_cmdline, coalesce(nullif(p.uid, 4294967295), k.uid) AS src_uid,
  u.name AS src_user, g.unit AS src_unit, coalesce(c.name, g.container) AS src_container, 'history' AS src_source, k.id AS socket,
  CASE WHEN p.id IS NULL AND EXISTS (SELECT 1 FROM holder WHERE socket = k.id) THEN 'ambiguous'
    WHEN p.id IS NULL THEN 'no-permission' END AS src_reason
FROM (${picked.sql}) picked CROSS JOIN socket k ON k.id = picked.id
LEFT JOIN protocol o ON o.id = k.protocol
LEFT JOIN address l ON l.id = k.local_address
LEFT JOIN address r ON r.id = k.remote_address
LEFT JOIN process p ON p.id = k.process
LEFT JOIN program g ON g.id = p.program
LEFT JOIN container c ON c.id = g.container
LEFT JOIN netns n ON n.id = k.netns
LEFT JOIN boot b ON b.id = k.boot
LEFT JOIN host h ON h.id = b.host
LEFT JOIN user u ON u.host = b.host AND u.uid = coalesce(nullif(p.uid, 4294967295), k.uid)
ORDER BY k.to_us DESC, k.id DESC`,
    params: picked.params,
  };
}

/** Ids of the latest rows. A UNION, because an OR of two ends would not use an index of each. */
function pickRows(table: TupleTable, query: StoredTuple, plan: TuplePlan, rest: Fragment, limit: Limit): Fragment {
  const { alias, sides, order, scan } = TABLES[table];
  const lead = query.ends[plan === 1 ? 1 : 0] ?? {};
  const other = query.ends[plan === 1 ? 0 : 1] ?? {};
  const isScan = plan === 'latest-first';
  const ways = [sides, [...sides].reverse()].map(([own = '', far = '']) =>
    and([...endWhere(lead, own, isScan ? '+' : ''), ...endWhere(other, far, '+'), rest]),
  );
  if (isScan) {
    const where = or(ways);
    return fragment(
      `SELECT ${alias}.id AS id FROM ${table} ${alias} WHERE ${where.sql} ORDER BY ${scan} LIMIT ?`,
      ...where.params,
      limit ?? NO_LIMIT,
    );
  }
  const found = ways.map(({ sql }) => `SELECT ${alias}.id FROM ${table} ${alias} WHERE ${sql}`).join(' UNION ');
  return fragment(
    `SELECT ${alias}.id AS id FROM ${table} ${alias} WHERE ${alias}.id IN (${found}) ORDER BY ${order} LIMIT ?`,
    ...ways.flatMap(({ params }) => params),
    limit ?? NO_LIMIT,
  );
}

/** @param prefix '+' keeps SQLite from using an index on these columns; ports follow addresses there, so a port alone goes through them all */
function endWhere({ address, port }: StoredEnd, side: string, prefix: '' | '+'): Fragment[] {
  const anyAddress = prefix === '' ? [fragment(`${side}_address IN (SELECT id FROM address)`)] : [];
  return [
    ...(address === undefined ? anyAddress : [fragment(`${prefix}${side}_address = ?`, address)]),
    ...(port === undefined ? [] : [fragment(`${prefix}${side}_port = ?`, port)]),
  ];
}

const HOLDER = `o.token AS role, p.pid AS pid, p.comm AS comm, p.exe AS exe, p.cmdline AS cmdline, nullif(p.uid, 4294967295) AS uid,
  u.name AS user, t.from_us AS from_us, t.to_us AS to_us
FROM holder t JOIN process p ON p.id = t.process
LEFT JOIN role o ON o.id = t.role LEFT JOIN boot b ON b.id = p.boot
LEFT JOIN user u ON u.host = b.host AND u.uid = p.uid`;

/** Holders of the sockets at both ends of a flow, `side` says at which. */
export function compileHolders(flowId: number): CompiledQuery {
  const of = (side: 'src' | 'dst') =>
    `SELECT '${side}' AS side, ${HOLDER} WHERE t.socket = (SELECT ${side}_socket FROM flow WHERE id = ?)`;
  return { sql: `${of('src')} UNION ALL ${of('dst')} ORDER BY side DESC, pid`, params: [flowId, flowId] };
}

/** Holders of a socket of compileSockets(). */
export function compileSocketHolders(socket: number): CompiledQuery {
  return { sql: `SELECT 'src' AS side, ${HOLDER} WHERE t.socket = ? ORDER BY pid`, params: [socket] };
}
