/** The ownership history, for who names the packets of a capture that somebody else made. */
import type { Us } from '../core/time.ts';
import type { CompiledQuery } from './compile-query.ts';

/**
 * Sockets that were there since `sinceUs`, in the order in which they came. A row for each process that had to do with
 * it (`role`, `role_us`: since when), one without a role for its only process, one without a pid when none is known.
 */
export function compileHistory(sinceUs: Us): CompiledQuery {
  return {
    sql: `SELECT s.id, s.boot, s.protocol, l.bytes AS local_bytes, s.local_port, r.bytes AS remote_bytes, s.remote_port,
  s.uid AS socket_uid, s.state, n.inode AS netns, s.from_us, s.to_us, o.token AS role, h.from_us AS role_us, h.sent_from, h.received_from,
  p.id AS process, p.pid, p.start_ticks, p.parent_pid, p.comm, p.exe, p.cmdline, p.uid, p.cgroup, g.unit, g.container,
  pn.inode AS process_netns
FROM socket s JOIN address l ON l.id = s.local_address LEFT JOIN address r ON r.id = s.remote_address
LEFT JOIN netns n ON n.id = s.netns LEFT JOIN holder h ON h.socket = s.id LEFT JOIN role o ON o.id = h.role
LEFT JOIN process p ON p.id = coalesce(h.process, s.process) LEFT JOIN program g ON g.id = p.program
LEFT JOIN netns pn ON pn.id = p.netns
WHERE s.to_us >= ? ORDER BY s.from_us, s.id, h.from_us`,
    params: [sinceUs],
  };
}

/** One row: how much history there is. */
export function compileHistorySpan(): CompiledQuery {
  return { sql: 'SELECT count(*) AS sockets, min(from_us) AS from_us, max(to_us) AS to_us FROM socket', params: [] };
}

/** A clock that was set back by less is brought in line: two sockets on one tuple are not that close. */
const LEAST_SET_BACK_US: Us = 1_000_000;

/** Times of day that a host had twice, because its clock was set back: from when to when. */
export function compileSetBack(): CompiledQuery {
  return {
    sql: `SELECT boot_us + offset_us AS from_us, boot_us + before_us AS to_us
FROM (SELECT boot_us, offset_us, lag(offset_us) OVER (PARTITION BY boot ORDER BY boot_us) AS before_us FROM clock)
WHERE before_us - offset_us >= ?`,
    params: [LEAST_SET_BACK_US],
  };
}

/** Pairs of sockets on one tuple that both seem to have been there within that time; those of one process are no rivals. */
export function compileRivals(fromUs: Us, toUs: Us): CompiledQuery {
  return {
    sql: `SELECT a.id AS one, b.id AS other FROM socket a JOIN socket b ON b.local_address = a.local_address
  AND b.local_port IS a.local_port AND b.protocol = a.protocol AND b.remote_address IS a.remote_address
  AND b.remote_port IS a.remote_port AND b.netns IS a.netns AND b.id > a.id AND b.from_us < a.to_us AND b.to_us > a.from_us
WHERE a.from_us < ? AND a.to_us > ? AND b.from_us < ? AND b.to_us > ?
  AND (a.process IS NOT b.process OR a.process IS NULL) AND NOT (a.cookie IS b.cookie AND a.inode IS b.inode)`,
    params: [toUs, fromUs, toUs, fromUs],
  };
}

/** Addresses as 4 or 16 octets. */
export interface StoredTuple {
  readonly protocol: number;
  readonly local: Uint8Array;
  readonly localPort: number;
  readonly remote: Uint8Array;
  readonly remotePort: number;
}

/** When sockets on exactly that tuple began: `most` of them. */
export function compileSocketsOnTuple(tuple: StoredTuple, most: number): CompiledQuery {
  const { protocol, local, localPort, remote, remotePort } = tuple;
  return {
    sql: `SELECT from_us FROM socket WHERE local_address = (SELECT id FROM address WHERE bytes = ?) AND local_port = ?
  AND remote_address = (SELECT id FROM address WHERE bytes = ?) AND remote_port = ? AND protocol = ? LIMIT ?`,
    params: [local, localPort, remote, remotePort, protocol, most],
  };
}

/** A row if a socket ever had one of these addresses as its own, or was seen under it. @param addresses as 4 or 16 octets */
export function compileOwnAddress(addresses: readonly Uint8Array[]): CompiledQuery {
  return {
    sql: `SELECT 1 AS known FROM address a WHERE a.bytes IN (${addresses.map(() => '?').join(', ')})
  AND (EXISTS (SELECT 1 FROM socket s WHERE s.local_address = a.id) OR a.id IN
  (SELECT nat_src_address FROM translation UNION SELECT dst_address FROM translation)) LIMIT 1`,
    params: [...addresses],
  };
}

/** Whoever had the pid last on that boot, of those that are not younger than `startTicks`. */
export function compileParent(boot: number, pid: number, startTicks: number): CompiledQuery {
  return {
    sql: `SELECT p.boot, p.pid, p.start_ticks, p.parent_pid, p.comm, p.exe, p.cmdline, p.uid, p.cgroup, g.unit, g.container
FROM process p LEFT JOIN program g ON g.id = p.program
WHERE p.boot = ? AND p.pid = ? AND p.start_ticks <= ? ORDER BY p.start_ticks DESC LIMIT 1`,
    params: [boot, pid, startTicks],
  };
}

/** What the time of day was ahead of that since boot then, in microseconds. */
export function compileClock(boot: number, bootUs: Us): CompiledQuery {
  return {
    sql: `SELECT offset_us FROM clock WHERE boot = ? ORDER BY boot_us > ?, abs(boot_us - ?) LIMIT 1`,
    params: [boot, bootUs, bootUs],
  };
}
