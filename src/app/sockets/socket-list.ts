/** Every socket of a network namespace with all its holders, now: what ss(8), lsof(8) and netstat(8) show. */
import { formatAddress, isUnspecified } from '../../core/address.ts';
import type { Reason } from '../../core/attribution.ts';
import type { Value } from '../../core/record.ts';
import { NO_UID, SOCKET_STATE_NAMES, SOURCES, type SocketColumns, SocketState, SourceCode } from '../../core/socket.ts';
import type { SocketRecord } from '../../core/socket-record.ts';
import {
  K_FIRST,
  K_SECOND,
  KEY_WORDS,
  keyFirstPort,
  keyProtocol,
  keySecondPort,
  protocolName,
} from '../../core/tuple.ts';
import type { InternetSockets } from './internet-sockets.ts';
import type { OtherSocket } from './other-sockets.ts';
import { type Holders, holderList, type SocketHolder } from './socket-holders.ts';

export interface ListedSocket {
  readonly record: SocketRecord;
  readonly holders: readonly SocketHolder[];
}

export interface SocketListInput {
  readonly internet: readonly InternetSockets[];
  readonly others: readonly OtherSocket[];
  readonly holders: Holders;
  readonly netns: number; // inode, 0: not known
  readonly userName: (uid: number) => string | undefined;
  readonly interfaceName: (ifindex: number) => string;
}

export function listSockets(input: SocketListInput): readonly ListedSocket[] {
  const rows: ListedSocket[] = [];
  for (const list of input.internet) {
    for (let i = 0; i < list.sockets.count; i++) rows.push(internetRow(list, i, input));
  }
  for (const other of input.others) rows.push(otherRow(other, input));
  return rows;
}

function internetRow({ family, type, protocol, sockets }: InternetSockets, i: number, input: SocketListInput) {
  const at = i * KEY_WORDS;
  const { key } = sockets;
  const remotePort = keySecondPort(key, at);
  const isConnected = remotePort !== 0 || !isUnspecified(key, at + K_SECOND);
  const inode = sockets.inode[i]!;
  const fields = {
    family,
    type,
    protocol,
    subprotocol: type === 'raw' ? protocolName(keyProtocol(key, at)) : null,
    state: SOCKET_STATE_NAMES[sockets.state[i]!] ?? null,
    local_addr: addressText(key, at + K_FIRST, family),
    local_port: keyFirstPort(key, at) || null,
    remote_addr: isConnected ? formatAddress(key, at + K_SECOND) : null,
    remote_port: remotePort || null,
    interface: interfaceText(sockets.boundIfindex[i]!, input),
    path: null,
    peer_inode: null,
    port_id: null,
    receive_queue: sockets.receiveQueue[i]!,
    send_queue: isBacklogHidden(sockets, i) ? null : sockets.sendQueue[i]!,
    cookie: sockets.cookie[i] || null,
    source: SOURCES[sockets.source[i]!] ?? null,
  };
  return finishRow(fields, inode, sockets.uid[i] === NO_UID ? null : sockets.uid[i]!, input);
}

/** Of a TCP listener /proc/net has a 0 there, net/ipv4/tcp_ipv4.c get_tcp4_sock(). */
function isBacklogHidden({ state, source }: SocketColumns, i: number): boolean {
  return state[i] === SocketState.Listen && source[i] === SourceCode.Proc;
}

/** The key spells an IPv6 socket's :: as 0.0.0.0 when the other end is IPv4. */
function addressText(key: Int32Array, at: number, family: 'inet' | 'inet6'): string {
  return family === 'inet6' && isUnspecified(key, at) ? '::' : formatAddress(key, at);
}

function otherRow(other: OtherSocket, input: SocketListInput): ListedSocket {
  const fields = {
    family: other.family,
    type: other.type,
    protocol: other.family,
    subprotocol: other.subprotocol,
    state: other.state,
    local_addr: null,
    local_port: null,
    remote_addr: null,
    remote_port: null,
    interface: interfaceText(other.ifindex, input),
    path: other.path,
    peer_inode: other.peerInode,
    port_id: other.portId,
    receive_queue: other.receiveQueue,
    send_queue: other.sendQueue,
    cookie: other.cookie,
    source: other.source,
  };
  return finishRow(fields, other.inode, other.uid, input);
}

const interfaceText = (ifindex: number, { interfaceName }: SocketListInput): string | null =>
  ifindex === 0 ? null : interfaceName(ifindex);

type Finished = 'uid' | 'user' | 'inode' | 'netns' | 'pid' | 'comm' | 'fd' | 'holders' | 'holder_list' | 'reason';

/** Adds who owns the socket and who holds it. */
function finishRow(
  fields: Omit<SocketRecord, Finished>,
  inode: number,
  uid: number | null,
  input: SocketListInput,
): ListedSocket {
  const holders = inode === 0 ? [] : (input.holders.byInode.get(inode) ?? []);
  const [first] = holders;
  // Not by spreading `fields`: an object of so many makes V8 take its slow path, 30 µs a row (measured).
  const record = Object.assign(fields, {
    uid,
    user: uid === null ? null : (input.userName(uid) ?? null),
    inode: inode || null,
    netns: input.netns || null,
    pid: first?.pid ?? null,
    comm: first?.comm ?? null,
    fd: first?.fd ?? null,
    holders: new Set(holders.map(({ pid }) => pid)).size || null,
    holder_list: holderList(holders),
    reason: first === undefined ? reasonOf(fields, inode, input.holders) : null,
  });
  return { record, holders };
}

/** Their process has closed them; the kernel finishes the conversation. */
const CLOSED: readonly Value[] = ['TIME-WAIT', 'FIN-WAIT-1', 'FIN-WAIT-2', 'CLOSING', 'LAST-ACK'];

/**
 * @returns null when it is not known: the kernel's own sockets have inodes too, so have those of other containers, and a
 * connection that nobody has accepted yet has none
 */
function reasonOf(
  { port_id, state }: Pick<SocketRecord, 'port_id' | 'state'>,
  inode: number,
  holders: Holders,
): Reason | null {
  if (port_id === 0) return 'kernel'; // of netlink
  if (inode === 0) return CLOSED.includes(state) ? 'closed-before-scan' : null;
  return holders.isPartial ? 'no-permission' : null;
}

/** As `ss -l`: waits for connections, or takes datagrams from anybody. */
export const isListening = ({ record }: ListedSocket): boolean =>
  record.state === 'LISTEN' || record.state === 'UNCONN';

export const isInternet = ({ record }: ListedSocket): boolean => record.family === 'inet' || record.family === 'inet6';
