/**
 * Sockets without an internet tuple over sock_diag(7): net/unix/diag.c, net/packet/diag.c, net/netlink/diag.c.
 * Unlike /proc/net they come with their cookie, and a path cannot forge a row.
 */
import { decodeHostile } from '../core/text.ts';
import { host16, host32, host32s, putHost32 } from './byte-order.ts';
import { createAttributeCursor, MESSAGE_HEADER, nextAttribute } from './netlink.ts';
import type { NetlinkClient } from './netlink-client.ts';
import { SOCK_DIAG_BY_FAMILY } from './sock-diag.ts';

export interface OtherSocketRow {
  readonly family: 'unix' | 'packet' | 'netlink';
  readonly type: number; // SOCK_STREAM 1, SOCK_DGRAM 2, SOCK_RAW 3, SOCK_SEQPACKET 5
  readonly protocol: number | null; // packet: ETH_P_*; netlink: NETLINK_*; unix: null
  readonly state: number | null; // unix, netlink: SocketState; packet: null
  readonly inode: number;
  readonly cookie: number; // signed, as in SocketColumns
  readonly ifindex: number | null; // packet only; 0: every interface
  readonly portid: number | null; // netlink only
  readonly uid: number | null; // null: the kernel does not say (netlink; unix before Linux 5.3)
  readonly path: string | null; // unix only, printable; '@' stands first for an abstract name
  readonly peerInode: number | null; // unix only: the other end of a connection
  readonly receiveQueue: number | null; // octets; of a unix listener: connections waiting
  readonly sendQueue: number | null; // octets; of a unix listener: backlog
}

const AF_UNIX = 1;
const AF_NETLINK = 16;
const AF_PACKET = 17;
const ALL_PROTOCOLS = 0xff; // NDIAG_PROTO_ALL

// The three messages differ in their head; `inode` is the octet offset, the cookie follows it.
const UNIX = { bytes: 16, inode: 4 };
const PACKET = { bytes: 16, inode: 4 };
const NETLINK = { bytes: 28, inode: 16 };

const UNIX_DIAG_NAME = 0;
const UNIX_DIAG_PEER = 2;
const UNIX_DIAG_RQLEN = 4; // udiag_rqueue u32, udiag_wqueue u32
const UNIX_DIAG_UID = 7;
const UNIX_SHOW = 0x1 | 0x4 | 0x10 | 0x40; // UDIAG_SHOW_NAME, _PEER, _RQLEN, _UID
const PACKET_DIAG_INFO = 0;
const PACKET_DIAG_UID = 5;
const PACKET_DIAG_MEMINFO = 6;
const PACKET_SHOW = 0x1 | 0x10; // PACKET_SHOW_INFO, PACKET_SHOW_MEMINFO
const NETLINK_DIAG_MEMINFO = 0;
const NETLINK_SHOW_MEMINFO = 0x1;

// Words of SK_MEMINFO, include/uapi/linux/sock_diag.h: octets in the queues, as ss(8) shows them.
const MEMINFO_RECEIVE = 0;
const MEMINFO_SEND = 8;
const MEMINFO_BYTES = 12; // up to the last word that is read

/** Replaces the content of `into`; returns 0 or -errno. */
export function dumpUnix(client: NetlinkClient, into: OtherSocketRow[]): number {
  const request = new Uint8Array(MESSAGE_HEADER + 24); // family, protocol, pad, states, inode, show, cookie
  request[MESSAGE_HEADER] = AF_UNIX;
  putHost32(request, MESSAGE_HEADER + 4, 0xffffffff);
  putHost32(request, MESSAGE_HEADER + 12, UNIX_SHOW);
  return dump(client, request, into, parseUnixDiag);
}

/** Replaces the content of `into`; returns 0 or -errno. */
export function dumpPacket(client: NetlinkClient, into: OtherSocketRow[]): number {
  const request = new Uint8Array(MESSAGE_HEADER + 20); // family, protocol, pad, inode, show, cookie
  request[MESSAGE_HEADER] = AF_PACKET;
  putHost32(request, MESSAGE_HEADER + 8, PACKET_SHOW);
  return dump(client, request, into, parsePacketDiag);
}

/** Replaces the content of `into`; returns 0 or -errno. */
export function dumpNetlink(client: NetlinkClient, into: OtherSocketRow[]): number {
  const request = new Uint8Array(MESSAGE_HEADER + 20); // family, protocol, pad, inode, show, cookie
  request[MESSAGE_HEADER] = AF_NETLINK;
  request[MESSAGE_HEADER + 1] = ALL_PROTOCOLS;
  putHost32(request, MESSAGE_HEADER + 8, NETLINK_SHOW_MEMINFO);
  return dump(client, request, into, parseNetlinkDiag);
}

type Parse = (b: Uint8Array, at: number, end: number) => OtherSocketRow | undefined;

function dump(client: NetlinkClient, request: Uint8Array, into: OtherSocketRow[], parse: Parse): number {
  into.length = 0;
  return client.dump(
    request,
    request.length,
    SOCK_DIAG_BY_FAMILY,
    (b, cursor) => {
      const row = parse(b, cursor.payload, cursor.end);
      if (row !== undefined) into.push(row);
    },
    () => {
      into.length = 0;
    },
  );
}

/** unix_diag_msg: family u8, type u8, state u8, pad u8, inode u32, cookie u32[2]. */
export function parseUnixDiag(b: Uint8Array, at: number, end: number): OtherSocketRow | undefined {
  if (end - at < UNIX.bytes || b[at] !== AF_UNIX) return undefined;
  let path: string | null = null;
  let uid: number | null = null;
  let peerInode: number | null = null;
  let queues = NO_QUEUES;
  const a = createAttributeCursor(at + UNIX.bytes);
  while (nextAttribute(b, end, a)) {
    if (a.type === UNIX_DIAG_NAME && a.length > 0) path = parseUnixName(b, a.payload, a.length);
    else if (a.type === UNIX_DIAG_UID && a.length >= 4) uid = host32(b, a.payload);
    else if (a.type === UNIX_DIAG_PEER && a.length >= 4) peerInode = host32(b, a.payload);
    else if (a.type === UNIX_DIAG_RQLEN && a.length >= 8) {
      queues = { receiveQueue: host32(b, a.payload), sendQueue: host32(b, a.payload + 4) };
    }
  }
  const common = { type: b[at + 1]!, ...identity(b, at + UNIX.inode), ifindex: null, portid: null };
  return { family: 'unix', ...common, protocol: null, state: b[at + 2]!, uid, path, peerInode, ...queues };
}

type Queues = Pick<OtherSocketRow, 'receiveQueue' | 'sendQueue'>;
const NO_QUEUES: Queues = { receiveQueue: null, sendQueue: null };

function readMemory(b: Uint8Array, at: number, length: number): Queues {
  if (length < MEMINFO_BYTES) return NO_QUEUES;
  return { receiveQueue: host32(b, at + MEMINFO_RECEIVE), sendQueue: host32(b, at + MEMINFO_SEND) };
}

/** An abstract name begins with NUL and may hold more of them; a path may end with one (unix(7)). */
function parseUnixName(b: Uint8Array, at: number, length: number): string {
  if (b[at] === 0) return `@${decodeHostile(b.subarray(at + 1, at + length))}`;
  const end = at + length;
  return decodeHostile(b.subarray(at, b[end - 1] === 0 ? end - 1 : end));
}

/** packet_diag_msg: family u8, type u8, protocol u16, inode u32, cookie u32[2]. */
export function parsePacketDiag(b: Uint8Array, at: number, end: number): OtherSocketRow | undefined {
  if (end - at < PACKET.bytes || b[at] !== AF_PACKET) return undefined;
  let ifindex: number | null = null;
  let uid: number | null = null;
  let queues = NO_QUEUES;
  const a = createAttributeCursor(at + PACKET.bytes);
  while (nextAttribute(b, end, a)) {
    if (a.type === PACKET_DIAG_INFO && a.length >= 4) ifindex = host32(b, a.payload);
    else if (a.type === PACKET_DIAG_UID && a.length >= 4) uid = host32(b, a.payload);
    else if (a.type === PACKET_DIAG_MEMINFO) queues = readMemory(b, a.payload, a.length);
  }
  const common = { type: b[at + 1]!, ...identity(b, at + PACKET.inode), portid: null, path: null, peerInode: null };
  return { family: 'packet', ...common, protocol: host16(b, at + 2), state: null, ifindex, uid, ...queues };
}

/** netlink_diag_msg: family, type, protocol, state u8, port id, peer's port id, group u32, inode u32, cookie u32[2]. */
export function parseNetlinkDiag(b: Uint8Array, at: number, end: number): OtherSocketRow | undefined {
  if (end - at < NETLINK.bytes || b[at] !== AF_NETLINK) return undefined;
  let queues = NO_QUEUES;
  const a = createAttributeCursor(at + NETLINK.bytes);
  while (nextAttribute(b, end, a)) {
    if (a.type === NETLINK_DIAG_MEMINFO) queues = readMemory(b, a.payload, a.length);
  }
  const common = { type: b[at + 1]!, ...identity(b, at + NETLINK.inode), ifindex: null, path: null, peerInode: null };
  const portid = host32(b, at + 4);
  return { family: 'netlink', ...common, protocol: b[at + 2]!, state: b[at + 3]!, portid, uid: null, ...queues };
}

function identity(b: Uint8Array, at: number): { inode: number; cookie: number } {
  return { inode: host32(b, at), cookie: host32s(b, at + 8) * 2 ** 32 + host32(b, at + 4) };
}
