/**
 * Sockets without an internet tuple: /proc/net/{packet,unix,netlink}, proc_pid_net(5).
 * Printed by packet_seq_show() (net/packet/af_packet.c), unix_seq_show() (net/unix/af_unix.c), netlink_native_seq_show().
 */
import { ParseError } from '../core/errors.ts';
import { decodeHostile } from '../core/text.ts';

export interface PacketSocketRow {
  readonly type: number; // SOCK_DGRAM 2, SOCK_RAW 3
  readonly protocol: number; // ETH_P_*, 3 is all
  readonly ifindex: number; // 0: every interface
  readonly running: boolean; // hooked into the receive path
  readonly receiveQueue: number; // octets
  readonly uid: number;
  readonly inode: number;
}

export interface UnixSocketRow {
  readonly type: number; // SOCK_STREAM 1, SOCK_DGRAM 2, SOCK_SEQPACKET 5
  readonly state: number; // SS_UNCONNECTED 1, SS_CONNECTING 2, SS_CONNECTED 3
  readonly listening: boolean; // SO_ACCEPTCON
  readonly inode: number;
  readonly path: string | null; // hostile text; '@' stands first for an abstract name
}

export interface NetlinkSocketRow {
  readonly protocol: number; // NETLINK_ROUTE 0, NETLINK_SOCK_DIAG 4 ...
  readonly portid: number; // often the pid that opened it; 0 is the kernel
  readonly groups: number; // bits of multicast groups 1 to 32
  readonly receiveQueue: number; // octets
  readonly sendQueue: number;
  readonly drops: number;
  readonly inode: number;
}

type OnBadLine = (error: ParseError) => void;

// sk RefCnt Type Proto Iface R Rmem User Inode
const PACKET = /^[0-9a-f]+ +\d+ +(\d+) +([0-9a-f]{4}) +(\d+) +(\d) +(\d+) +(\d+) +(\d+) *$/;
// Num: RefCount Protocol Flags Type St Inode Path
const UNIX = /^[0-9a-f]+: [0-9A-F]+ [0-9A-F]+ ([0-9A-F]{8}) ([0-9A-F]{4}) ([0-9A-F]{2}) +(\d+)(?: (.*))?$/s;
// sk Eth Pid Groups Rmem Wmem Dump Locks Drops Inode
const NETLINK = /^[0-9a-f]+ +(\d+) +(\d+) +([0-9a-f]{8}) +(\d+) +(\d+) +\d+ +\d+ +(\d+) +(\d+) *$/;

const ACCEPT_CON = 0x10000; // __SO_ACCEPTCON of include/uapi/linux/net.h

/** @param text /proc/net/packet, one character an octet */
export function parseProcNetPacket(text: string, source: string, onBadLine: OnBadLine): PacketSocketRow[] {
  return parseLines(text, source, PACKET, onBadLine, (m) => ({
    type: Number(m[1]),
    protocol: parseInt(m[2]!, 16),
    ifindex: Number(m[3]),
    running: m[4] !== '0',
    receiveQueue: Number(m[5]),
    uid: Number(m[6]),
    inode: Number(m[7]),
  }));
}

/**
 * A path may hold a newline, and what stands after it may look like a line of its own: rows of this file are what
 * the owner of a socket says. sock_diag has no such hole.
 *
 * @param text /proc/net/unix, one character an octet
 */
export function parseProcNetUnix(text: string, source: string, onBadLine: OnBadLine): UnixSocketRow[] {
  return parseLines(text, source, UNIX, onBadLine, (m) => ({
    type: parseInt(m[2]!, 16),
    state: parseInt(m[3]!, 16),
    listening: (parseInt(m[1]!, 16) & ACCEPT_CON) !== 0,
    inode: Number(m[4]),
    path: m[5] === undefined ? null : decodeHostile(Buffer.from(m[5], 'latin1')),
  }));
}

/** @param text /proc/net/netlink, one character an octet */
export function parseProcNetNetlink(text: string, source: string, onBadLine: OnBadLine): NetlinkSocketRow[] {
  return parseLines(text, source, NETLINK, onBadLine, (m) => ({
    protocol: Number(m[1]),
    portid: Number(m[2]),
    groups: parseInt(m[3]!, 16),
    receiveQueue: Number(m[4]),
    sendQueue: Number(m[5]),
    drops: Number(m[6]),
    inode: Number(m[7]),
  }));
}

function parseLines<Row>(
  text: string,
  source: string,
  form: RegExp,
  onBadLine: OnBadLine,
  toRow: (match: RegExpExecArray) => Row,
): Row[] {
  const rows: Row[] = [];
  for (const [n, line] of text.split('\n').entries()) {
    if (n === 0 || line === '') continue; // column header, end of file
    const match = form.exec(line);
    if (match === null) onBadLine(new ParseError(source, n + 1, 'not a socket line'));
    else rows.push(toRow(match));
  }
  return rows;
}
