/** Every socket of a network namespace with all its holders, now: what ss, lsof and netstat show. */
import { formatAddress } from '../core/address.ts';
import { createColumns } from '../core/columns.ts';
import { HOLDER_COLUMNS } from '../core/process.ts';
import type { Value } from '../core/record.ts';
import {
  NO_UID,
  SOCKET_COLUMNS,
  SOCKET_STATE_NAMES,
  SOURCES,
  type SocketColumns,
  SocketState,
} from '../core/socket.ts';
import {
  K_FIRST,
  K_SECOND,
  KEY_WORDS,
  keyFirstPort,
  keyIpVersion,
  keyProtocol,
  keySecondPort,
  protocolName,
} from '../core/tuple.ts';
import { createScanFindings, listPids, scanHolders } from '../linux/proc-fd.ts';
import type { ProcFs } from '../linux/proc-fs.ts';
import { readStat } from '../linux/proc-pid.ts';
import type { OtherSocket } from './other-sockets.ts';
import type { SocketSource } from './socket-source.ts';

export interface SocketHolder {
  readonly pid: number;
  readonly fd: number;
  readonly comm: string;
}

/** One flat row, the same names in every format. */
export interface SocketListing {
  readonly protocol: string;
  readonly state: string | null;
  readonly local_addr: string | null;
  readonly local_port: number | null;
  readonly remote_addr: string | null;
  readonly remote_port: number | null;
  readonly path: string | null; // unix
  readonly interface: string | null;
  readonly receive_queue: number | null;
  readonly send_queue: number | null;
  readonly uid: number | null;
  readonly user: string | null;
  readonly inode: number | null;
  readonly cookie: number | null;
  readonly source: string;
  readonly holders: readonly SocketHolder[];
}

export const SOCKET_FIELDS = [
  'protocol',
  'state',
  'local_addr',
  'local_port',
  'remote_addr',
  'remote_port',
  'path',
  'interface',
  'receive_queue',
  'send_queue',
  'uid',
  'user',
  'inode',
  'cookie',
  'source',
] as const;

export interface SocketListInput {
  readonly proc: ProcFs;
  readonly sources: readonly SocketSource[]; // of the namespace that is listed
  readonly others: () => readonly OtherSocket[]; // unix, packet, netlink
  readonly userName: (uid: number) => string | null;
  readonly interfaceName: (ifindex: number) => string;
}

export function listSockets(input: SocketListInput): readonly SocketListing[] {
  const sockets = createColumns(SOCKET_COLUMNS);
  for (const source of input.sources) source.poll(sockets);
  const others = input.others();
  const holders = holdersByInode(input.proc);
  const rows: SocketListing[] = [];
  for (let i = 0; i < sockets.count; i++) rows.push(internetRow(sockets, i, holders, input));
  for (const other of others) rows.push(otherRow(other, holders, input));
  return rows;
}

/** All descriptors that are sockets, of all processes that may be read. */
function holdersByInode(proc: ProcFs): ReadonlyMap<number, readonly SocketHolder[]> {
  const found = createColumns(HOLDER_COLUMNS);
  for (const _ of scanHolders(proc, listPids(proc), found, createScanFindings(), () => 0)) void _;
  const comms = new Map<number, string>();
  const holders = new Map<number, SocketHolder[]>();
  for (let i = 0; i < found.count; i++) {
    const pid = found.pid[i]!;
    if (!comms.has(pid)) comms.set(pid, readStat(proc, pid)?.comm ?? '');
    const holder = { pid, fd: found.fd[i]!, comm: comms.get(pid)! };
    const same = holders.get(found.inode[i]!);
    if (same === undefined) holders.set(found.inode[i]!, [holder]);
    else same.push(holder);
  }
  return holders;
}

function internetRow(
  sockets: SocketColumns,
  i: number,
  holders: ReadonlyMap<number, readonly SocketHolder[]>,
  input: SocketListInput,
): SocketListing {
  const at = i * KEY_WORDS;
  const { key } = sockets;
  const protocol = keyProtocol(key, at);
  const inode = sockets.inode[i]!;
  const uid = sockets.uid[i] === NO_UID ? null : sockets.uid[i]!;
  return {
    protocol: protocolName(protocol) + (keyIpVersion(key, at) === 6 ? '6' : ''),
    state: SOCKET_STATE_NAMES[sockets.state[i]!] ?? null,
    local_addr: formatAddress(key, at + K_FIRST),
    local_port: keyFirstPort(key, at),
    remote_addr: formatAddress(key, at + K_SECOND),
    remote_port: keySecondPort(key, at),
    path: null,
    interface: sockets.boundIfindex[i] === 0 ? null : input.interfaceName(sockets.boundIfindex[i]!),
    receive_queue: sockets.receiveQueue[i]!,
    send_queue: sockets.sendQueue[i]!,
    uid,
    user: uid === null ? null : input.userName(uid),
    inode: inode === 0 ? null : inode,
    cookie: sockets.cookie[i] === 0 ? null : sockets.cookie[i]!,
    source: SOURCES[sockets.source[i]!] ?? 'proc',
    holders: inode === 0 ? [] : (holders.get(inode) ?? []),
  };
}

function otherRow(
  other: OtherSocket,
  holders: ReadonlyMap<number, readonly SocketHolder[]>,
  input: SocketListInput,
): SocketListing {
  const { uid, inode } = other;
  return {
    protocol: other.protocol,
    state: other.state,
    local_addr: null,
    local_port: null,
    remote_addr: null,
    remote_port: null,
    path: other.path,
    interface: other.ifindex === 0 || other.ifindex === null ? null : input.interfaceName(other.ifindex),
    receive_queue: other.receiveQueue,
    send_queue: other.sendQueue,
    uid,
    user: uid === null ? null : input.userName(uid),
    inode: inode === 0 ? null : inode,
    cookie: other.cookie,
    source: other.source,
    holders: holders.get(inode) ?? [],
  };
}

/** Value of a field for filters and formats; holders become `comm(pid,fd)` words. */
export function holderText(row: SocketListing): string {
  return row.holders.map(({ comm, pid, fd }) => `${comm}(${pid},${fd})`).join(' ');
}

export function fieldOf(row: SocketListing, field: (typeof SOCKET_FIELDS)[number]): Value {
  return row[field];
}

export const isListening = (row: SocketListing): boolean =>
  row.state === SOCKET_STATE_NAMES[SocketState.Listen] || (row.state === 'UNCONN' && row.remote_port === 0);
