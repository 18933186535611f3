/** Questions of `who`: flows and sockets on a tuple of which any part may be unknown. */
import { type CompiledQuery, type Limit, NO_LIMIT, recordsOf } from './compile-query.ts';
import { and, type Fragment, flowWhere, fragment } from './conditions.ts';

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

/** Flows of a tuple, latest first, as rows of flow_record. */
export function compileTuple(query: TupleQuery, limit: Limit): CompiledQuery {
  const { range, protocol } = query;
  const filter = {
    ...(range === undefined ? {} : { sinceUs: range.fromUs, untilUs: range.toUs }),
    ...(protocol === undefined ? {} : { protocol }),
  };
  const where = and([flowWhere(filter), eitherWay(query, 'f.src', 'f.dst')]);
  return recordsOf(where, 'f.last_us DESC, f.id DESC', limit);
}

/**
 * Sockets of a tuple from the ownership history, latest first: those that never had a packet, too.
 * Columns are fields of a flow record; src is the socket's local end.
 */
export function compileSockets(query: TupleQuery, limit: Limit): CompiledQuery {
  const { range, protocol } = query;
  const where = and([
    eitherWay(query, 'k.local', 'k.remote'),
    ...(protocol === undefined ? [] : [fragment('k.protocol = ?', protocol)]),
    ...(range === undefined ? [] : [fragment('k.from_us < ? AND k.to_us >= ?', range.toUs, range.fromUs)]),
  ]);
  return {
    sql: `SELECT h.name AS host, n.inode AS src_netns, o.token AS protocol, l.text AS src_addr, k.local_port AS src_port,
  r.text AS dst_addr, k.remote_port AS dst_port, k.from_us AS first_us, k.to_us AS last_us, p.pid AS src_pid,
  p.comm AS src_comm, coalesce(p.exe, g.exe) AS src_exe, p.cmdline AS src_cmdline, coalesce(nullif(p.uid, 4294967295), k.uid) AS src_uid,
  u.name AS src_user, g.unit AS src_unit, g.container AS src_container, 'history' AS src_source, k.id AS socket,
  CASE WHEN p.id IS NULL AND EXISTS (SELECT 1 FROM holder WHERE socket = k.id) THEN 'ambiguous'
    WHEN p.id IS NULL THEN 'no-permission' END AS src_reason
FROM socket k
LEFT JOIN protocol o ON o.id = k.protocol
LEFT JOIN address l ON l.id = k.local_address
LEFT JOIN address r ON r.id = k.remote_address
LEFT JOIN process p ON p.id = k.process
LEFT JOIN program g ON g.id = p.program
LEFT JOIN netns n ON n.id = k.netns
LEFT JOIN boot b ON b.id = k.boot
LEFT JOIN host h ON h.id = b.host
LEFT JOIN user u ON u.host = b.host AND u.uid = coalesce(nullif(p.uid, 4294967295), k.uid)
WHERE ${where.sql} ORDER BY k.to_us DESC, k.id DESC LIMIT ?`,
    params: [...where.params, limit ?? NO_LIMIT],
  };
}

function eitherWay({ ends }: TupleQuery, first: string, second: string): Fragment {
  const [one = {}, other = {}] = ends;
  const straight = and([...tupleEnd(one, first), ...tupleEnd(other, second)]);
  const reverse = and([...tupleEnd(one, second), ...tupleEnd(other, first)]);
  return fragment(`(${straight.sql} OR ${reverse.sql})`, ...straight.params, ...reverse.params);
}

function tupleEnd({ address, port }: TupleEnd, end: string): Fragment[] {
  const parts: Fragment[] = [];
  if (address !== undefined) {
    parts.push(fragment(`${end}_address = (SELECT id FROM address WHERE bytes = ?)`, address));
  }
  if (port !== undefined) parts.push(fragment(`${end}_port = ?`, port));
  return parts;
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
