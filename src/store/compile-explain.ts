/** What is stored about one flow and about everything that could have owned its ends, for `explain`. */
import type { Us } from '../core/time.ts';
import type { CompiledQuery } from './compile-query.ts';

type Side = 'src' | 'dst';

/** Sockets of one end that are told: those nearest to the flow in time. */
const MOST_SOCKETS = 24;
const EPHEMERAL = 32768; // of two ports the one from here on is rare, so its index leads to few rows

const endColumns = (side: Side): string => `${side}_a.bytes AS ${side}_bytes, ${side}_t.bytes AS nat_${side}_bytes,
  f.${side}_address, f.nat_${side}_address, f.${side}_socket, f.${side}_process, ${side}_n.inode AS ${side}_netns,
  f.${side}_source, ${side}_m.token AS ${side}_match, ${side}_r.token AS ${side}_reason`;

const endJoins = (side: Side): string => `
LEFT JOIN address ${side}_a ON ${side}_a.id = f.${side}_address
LEFT JOIN address ${side}_t ON ${side}_t.id = f.nat_${side}_address
LEFT JOIN netns ${side}_n ON ${side}_n.id = f.${side}_netns
LEFT JOIN match ${side}_m ON ${side}_m.id = f.${side}_match
LEFT JOIN reason ${side}_r ON ${side}_r.id = f.${side}_reason`;

/** One row: the flow with its place and time; `offset_us` is what its boot's clock was behind the time of day then. */
export function compileExplainedFlow(flowId: number): CompiledQuery {
  return {
    sql: `SELECT f.id AS flow, f.protocol, f.src_port, f.dst_port, f.nat_src_port, f.nat_dst_port, f.ifindex, f.first_us,
  f.last_us, f.end_reason, c.boot, b.boot_id, c.backend, c.sources, c.version, n.inode AS netns, c.started_us,
  c.last_us AS capture_last_us, c.facts_lost,
  coalesce((SELECT k.offset_us FROM clock k WHERE k.boot = c.boot AND k.boot_us + k.offset_us <= f.first_us
    ORDER BY k.boot_us DESC LIMIT 1), (SELECT k.offset_us FROM clock k WHERE k.boot = c.boot ORDER BY k.boot_us LIMIT 1))
    AS offset_us, ${endColumns('src')}, ${endColumns('dst')}
FROM flow f JOIN capture c ON c.id = f.capture LEFT JOIN boot b ON b.id = c.boot LEFT JOIN netns n ON n.id = f.netns
${endJoins('src')}${endJoins('dst')}
WHERE f.id = ?`,
    params: [flowId],
  };
}

const isEnd = (side: Side, of: Side): string =>
  `n.${side}_address = f.${of}_address AND n.${side}_port IS f.${of}_port`;
const STRAIGHT = `${isEnd('src', 'src')} AND ${isEnd('dst', 'dst')}`;
const TURNED = `${isEnd('src', 'dst')} AND ${isEnd('dst', 'src')}`;

/** At most one row: whose ends the flow on the same tuple has that comes next, as seen from this one. */
export function compileNextOwners(flowId: number): CompiledQuery {
  const of = (side: Side, other: Side): string =>
    `CASE WHEN ${STRAIGHT} THEN n.${side}_process ELSE n.${other}_process END AS ${side}_process`;
  return {
    sql: `SELECT ${of('src', 'dst')}, ${of('dst', 'src')} FROM flow f
JOIN flow n ON n.capture = f.capture AND n.id > f.id AND n.protocol = f.protocol AND (${STRAIGHT} OR ${TURNED})
WHERE f.id = ? ORDER BY n.id LIMIT 1`,
    params: [flowId],
  };
}

/** An end of a flow, or the same on the other side of address translation. */
export interface TupleRows {
  readonly local: number; // row of address
  readonly localPort: number | null;
  readonly remote: number;
  readonly remotePort: number | null;
}

/** Where and when to look for sockets. */
export interface SocketPlace {
  readonly boot: number;
  readonly protocol: number;
  readonly firstUs: Us;
  readonly lastUs: Us;
}

const SOCKET = `SELECT s.id, s.cookie, s.inode, s.uid, s.state, t.token AS state_name, s.source, o.token AS source_name,
  r.token AS role, s.protocol, s.local_port, s.remote_port, s.process, s.from_us, s.to_us, s.sent_bytes, s.acked_bytes, s.received_bytes, n.inode AS netns,
  la.bytes AS local_bytes, la.text AS local_addr, ra.bytes AS remote_bytes, ra.text AS remote_addr
FROM socket s JOIN address la ON la.id = s.local_address LEFT JOIN address ra ON ra.id = s.remote_address
LEFT JOIN netns n ON n.id = s.netns LEFT JOIN socket_state t ON t.id = s.state LEFT JOIN source o ON o.id = s.source
LEFT JOIN role r ON r.id = s.role`;

const NEAREST = `ORDER BY max(0, s.from_us - ?, ? - s.to_us), s.id LIMIT ${MOST_SOCKETS}`;

/** Sockets on exactly that tuple at any time, those nearest to the flow first. */
export function compileSocketsOnTuple(
  { local, localPort, remote, remotePort }: TupleRows,
  at: SocketPlace,
): CompiledQuery {
  // '+' keeps SQLite from the index of the common end: a server's has a row for every client.
  const [own, far] = (localPort ?? 0) >= EPHEMERAL ? ['', '+'] : ['+', ''];
  return {
    sql: `${SOCKET} WHERE ${own}s.local_address = ? AND s.local_port IS ? AND ${far}s.remote_address = ? AND s.remote_port IS ?
  AND s.protocol = ? AND s.boot = ? ${NEAREST}`,
    params: [local, localPort, remote, remotePort, at.protocol, at.boot, at.lastUs, at.firstUs],
  };
}

/** Sockets without a remote end on that port: bound to the address, or to all. */
export function compileSocketsOnPort({ local, localPort }: TupleRows, at: SocketPlace): CompiledQuery {
  return {
    sql: `${SOCKET} WHERE s.local_address IN (?, (SELECT id FROM address WHERE bytes = zeroblob(4)),
  (SELECT id FROM address WHERE bytes = zeroblob(16))) AND s.local_port IS ? AND s.remote_address IS NULL
  AND s.protocol = ? AND s.boot = ? ${NEAREST}`,
    params: [local, localPort, at.protocol, at.boot, at.lastUs, at.firstUs],
  };
}

export function compileSocket(id: number): CompiledQuery {
  return { sql: `${SOCKET} WHERE s.id = ?`, params: [id] };
}

const PEOPLE = `p.id AS process, p.pid, p.start_ticks, p.parent_pid, p.comm, p.exe, p.cmdline, nullif(p.uid, 4294967295) AS uid,
  u.name AS user, p.cgroup, g.unit, coalesce(c.name, g.container) AS container, n.inode AS netns, p.first_us, p.last_us,
  p.exit_us, EXISTS (SELECT 1 FROM process k WHERE k.boot = p.boot AND k.parent_pid = p.pid
    AND k.start_ticks >= p.start_ticks) AS has_children`;
const PEOPLE_JOINS = `LEFT JOIN program g ON g.id = p.program LEFT JOIN container c ON c.id = g.container
LEFT JOIN netns n ON n.id = p.netns LEFT JOIN boot b ON b.id = p.boot
LEFT JOIN user u ON u.host = b.host AND u.uid = p.uid`;

/** Everybody who is stored to have had to do with a socket. Without times: its only process, for as long as it was there. */
export function compilePeople(socket: number): CompiledQuery {
  return {
    sql: `SELECT r.token AS role, h.from_us AS role_from_us, h.to_us AS role_to_us, ${PEOPLE}
FROM holder h JOIN process p ON p.id = h.process LEFT JOIN role r ON r.id = h.role ${PEOPLE_JOINS} WHERE h.socket = ?
UNION ALL SELECT r.token, NULL, NULL, ${PEOPLE}
FROM socket s JOIN process p ON p.id = s.process LEFT JOIN role r ON r.id = s.role ${PEOPLE_JOINS}
WHERE s.id = ? AND NOT EXISTS (SELECT 1 FROM holder WHERE socket = s.id) ORDER BY 2, 3`,
    params: [socket, socket],
  };
}

/** A process that is stored with a flow, and the one that was its parent. */
export function compileProcess(id: number): CompiledQuery {
  return {
    sql: `SELECT NULL AS role, NULL AS role_from_us, NULL AS role_to_us, ${PEOPLE} FROM process p ${PEOPLE_JOINS} WHERE p.id = ?`,
    params: [id],
  };
}

/** The latest process of that pid which was there before its child began. */
export function compileParent(child: number): CompiledQuery {
  return {
    sql: `SELECT NULL AS role, NULL AS role_from_us, NULL AS role_to_us, ${PEOPLE} FROM process p ${PEOPLE_JOINS}
WHERE p.id = (SELECT m.id FROM process m JOIN process k ON k.id = ? WHERE m.boot = k.boot AND m.pid = k.parent_pid
  AND m.start_ticks <= k.start_ticks AND m.id <> k.id ORDER BY m.start_ticks DESC LIMIT 1)`,
    params: [child],
  };
}

/** Since when flows, and what only they pointed at, are complete; 0: nothing was deleted. */
export function compileFlowsKept(): CompiledQuery {
  return {
    sql: `SELECT (SELECT from_us FROM kept WHERE what = 'flows') AS from_us, (SELECT count(*) FROM flow) AS flows,
  (SELECT max(id) FROM flow) AS last_id, (SELECT min(id) FROM flow) AS first_id, (SELECT count(*) FROM socket) AS sockets`,
    params: [],
  };
}
