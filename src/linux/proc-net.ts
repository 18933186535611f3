/**
 * Internet sockets of /proc/net/{tcp,udp,udplite,raw,icmp}[6], proc_pid_net(5).
 * Printed by get_tcp4_sock() (net/ipv4/tcp_ipv4.c), udp4_format_sock(), raw_sock_seq_show(), ip6_dgram_sock_seq_show().
 */

import { pushRow } from '../core/columns.ts';
import { ParseError } from '../core/errors.ts';
import { NO_UID, type SocketColumns, SocketState, SourceCode } from '../core/socket.ts';
import { K_FIRST, K_SECOND, KEY_WORDS, Protocol } from '../core/tuple.ts';
import { LITTLE_ENDIAN, swap32 } from './byte-order.ts';
import type { ProcFs } from './proc-fs.ts';
import { AF_INET, AF_INET6, finishKey, putMapped } from './socket-key.ts';

/** `ports`: what the local port field holds. */
export interface ProcNetFile {
  readonly name: string;
  readonly family: typeof AF_INET | typeof AF_INET6;
  readonly protocol: number; // of raw sockets each line has its own
  readonly ports: 'port' | 'protocol' | 'icmp-id';
}

export const PROC_NET_FILES: readonly ProcNetFile[] = [
  { name: 'tcp', family: AF_INET, protocol: Protocol.Tcp, ports: 'port' },
  { name: 'tcp6', family: AF_INET6, protocol: Protocol.Tcp, ports: 'port' },
  { name: 'udp', family: AF_INET, protocol: Protocol.Udp, ports: 'port' },
  { name: 'udp6', family: AF_INET6, protocol: Protocol.Udp, ports: 'port' },
  { name: 'udplite', family: AF_INET, protocol: Protocol.UdpLite, ports: 'port' },
  { name: 'udplite6', family: AF_INET6, protocol: Protocol.UdpLite, ports: 'port' },
  { name: 'raw', family: AF_INET, protocol: Protocol.Raw, ports: 'protocol' },
  { name: 'raw6', family: AF_INET6, protocol: Protocol.Raw, ports: 'protocol' },
  { name: 'icmp', family: AF_INET, protocol: Protocol.Icmp, ports: 'icmp-id' },
  { name: 'icmp6', family: AF_INET6, protocol: Protocol.Icmp6, ports: 'icmp-id' },
];

const COLON = 0x3a;
const SPACE = 0x20;
const NEWLINE = 0x0a;

/** Where a line's facts stand, without a namespace: what parseProcNet() adds to every row. */
export interface ProcNetContext {
  readonly source: string; // path, for messages
  readonly netns: number; // namespace index for the keys
  readonly seenUs: number; // CLOCK_BOOTTIME
  onBadLine(error: ParseError): void;
}

/** Appends every line of `text` to `out`. Pure. A line not of the form is reported and left out. */
export function parseProcNet(text: Uint8Array, file: ProcNetFile, context: ProcNetContext, out: SocketColumns): void {
  let line = 0;
  for (let at = 0, end = 0; at < text.length; at = end + 1) {
    end = text.indexOf(NEWLINE, at);
    if (end < 0) end = text.length;
    line++;
    if (line === 1 || end === at) continue; // column header
    if (!parseLine(text, at, end, file, context, out)) {
      context.onBadLine(new ParseError(context.source, line, 'not a socket line'));
    }
  }
}

/**
 * slot: local:port remote:port state tx_queue:rx_queue timer:when retransmits uid timeout inode ...
 *
 * Up to `timer` every field has a fixed width (%08X); after it `when` and the decimal fields vary.
 */
function parseLine(
  b: Uint8Array,
  from: number,
  end: number,
  file: ProcNetFile,
  context: ProcNetContext,
  out: SocketColumns,
): boolean {
  const slotEnd = b.indexOf(COLON, from);
  const width = file.family === AF_INET ? 8 : 32; // hex digits of an address
  const local = slotEnd + 2;
  const remote = local + width + 6;
  const state = remote + width + 6;
  const timer = state + 21;
  if (slotEnd < 0 || timer + 2 >= end) return false;
  if (b[local - 1] !== SPACE || b[local + width] !== COLON || b[remote - 1] !== SPACE) return false;
  if (b[remote + width] !== COLON || b[state - 1] !== SPACE || b[state + 2] !== SPACE) return false;
  if (b[state + 11] !== COLON || b[timer - 1] !== SPACE || b[timer + 2] !== COLON) return false;

  const localPort = hexAt(b, local + width + 1, 4);
  const remotePort = hexAt(b, remote + width + 1, 4);
  const stateCode = hexAt(b, state, 2);
  const sendQueue = hexAt(b, state + 3, 8);
  const receiveQueue = hexAt(b, state + 12, 8);
  if (localPort < 0 || remotePort < 0 || stateCode < 0 || sendQueue < 0 || receiveQueue < 0) return false;
  const uidAt = nextField(b, nextField(b, timer, end), end); // over when and retransmits
  const inodeAt = nextField(b, nextField(b, uidAt, end), end);
  const uid = decimalAt(b, uidAt, end);
  const inode = decimalAt(b, inodeAt, end);
  if (uid < 0 || uid > NO_UID || inode < 0) return false;

  const row = pushRow(out);
  const key = row * KEY_WORDS;
  if (!putAddress(b, local, width, out.key, key + K_FIRST) || !putAddress(b, remote, width, out.key, key + K_SECOND)) {
    out.count--;
    return false;
  }
  const protocol = file.ports === 'protocol' ? localPort & 0xff : file.protocol;
  finishKey(
    out.key,
    key,
    file.family,
    protocol,
    context.netns,
    file.ports === 'protocol' ? 0 : localPort,
    remotePort,
    0,
  );
  out.inode[row] = inode;
  out.cookie[row] = 0;
  out.seenUs[row] = context.seenUs;
  out.uid[row] = stateCode === SocketState.TimeWait || (inode === 0 && uid === 0) ? NO_UID : uid;
  out.receiveQueue[row] = receiveQueue;
  out.sendQueue[row] = sendQueue;
  out.boundIfindex[row] = 0;
  out.state[row] = stateCode;
  out.source[row] = SourceCode.Proc;
  return true;
}

/** Value of the `digits` hex digits at `at`, -1 when one is none. Up to 8 digits, all inside `b`. */
function hexAt(b: Uint8Array, at: number, digits: number): number {
  let value = 0;
  for (let i = at; i < at + digits; i++) {
    const c = b[i]!;
    const digit = c >= 0x30 && c <= 0x39 ? c - 0x30 : c >= 0x41 && c <= 0x46 ? c - 0x37 : -1;
    if (digit < 0) return -1;
    value = value * 16 + digit;
  }
  return value;
}

/** Start of the field after the one at `at`, `end` when there is none. */
function nextField(b: Uint8Array, at: number, end: number): number {
  let i = at;
  while (i < end && b[i] !== SPACE) i++;
  while (i < end && b[i] === SPACE) i++;
  return i;
}

/** Decimal number that fills the field at `at`, -1 when it is none or longer than 10 digits. */
function decimalAt(b: Uint8Array, at: number, end: number): number {
  let value = 0;
  let i = at;
  for (; i < end && i < at + 10; i++) {
    const c = b[i]!;
    if (c < 0x30 || c > 0x39) break;
    value = value * 10 + c - 0x30;
  }
  return i === at || (i < end && b[i] !== SPACE) ? -1 : value;
}

/** The kernel prints each word of an address, which is in network order, as a number of the host. */
function putAddress(b: Uint8Array, at: number, width: number, key: Int32Array, to: number): boolean {
  for (let w = 0; w < width / 8; w++) {
    const number = hexAt(b, at + w * 8, 8);
    if (number < 0) return false;
    const word = LITTLE_ENDIAN ? swap32(number) : number | 0;
    if (width === 8) putMapped(key, to, word);
    else key[to + w] = word;
  }
  return true;
}

/**
 * Reads and parses one file of a namespace.
 *
 * @param folder 'thread-self/net', or 'PID/net' for the namespace of another process (readable without a right)
 * @returns whether the file was there
 */
export function readProcNet(
  proc: ProcFs,
  folder: string,
  file: ProcNetFile,
  context: Omit<ProcNetContext, 'source'>,
  out: SocketColumns,
): boolean {
  const path = `${folder}/${file.name}`;
  const text = proc.read(path);
  if (text === undefined) return false;
  const { netns, seenUs } = context;
  parseProcNet(
    text,
    file,
    { source: `${proc.root}/${path}`, netns, seenUs, onBadLine: (e) => context.onBadLine(e) },
    out,
  );
  return true;
}
