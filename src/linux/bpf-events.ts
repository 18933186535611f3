/**
 * What the BPF programs report (native/bpf/events.h), as columns and process events. Pure: the kernel writes the
 * records, but paths and arguments in them are chosen by whoever runs a program.
 */
import { pushRow } from '../core/columns.ts';
import type { HolderColumns } from '../core/process.ts';
import { type SocketColumns, SocketEvent, type SocketEventColumns, SourceCode } from '../core/socket.ts';
import { K_FIRST, K_SECOND, KEY_WORDS } from '../core/tuple.ts';
import { be16, be32, host32, host64 } from './byte-order.ts';
import { AF_INET, AF_INET6, finishKey, putMapped } from './socket-key.ts';

// A ring hands records over as length u32, zero u32, payload, padding to a multiple of 8.
const RECORD_HEADER = 8;

// struct socket_key, at 48 in both structs below
const KEY = 48;
const LOCAL = KEY;
const REMOTE = KEY + 16;
const LOCAL_PORT = KEY + 32;
const REMOTE_PORT = KEY + 34;
const PROTOCOL = KEY + 36;
const FAMILY = KEY + 37;
const EVIDENCE = KEY + 38; // in a snapshot the state
const PREVIOUS = KEY + 39;

// struct socket_event
const EVENT_BYTES = 112;
const KIND = 0;
const PID = 4;
const TIME = 8;
const COOKIE = 16;
const NETNS_COOKIE = 24;
const CGROUP = 32;
const START = 40;
const UID = 88;
const NETNS = 92;
const FLAGS = 96;
const IFINDEX = 100;
const SEQUENCE = 104;

// struct snapshot_record, where it differs
const SNAPSHOT_BYTES = 104;
const SNAPSHOT_PID = 0;
const SNAPSHOT_START = 8;
const INODE = 40;
const FD = 88;
const SOCKET_UID = 96;

/** Clock ticks of /proc/PID/stat: USER_HZ is 100 on every architecture that Node runs on. */
const TICK_NS = 10_000_000;

export const startTicksOf = (b: Uint8Array, at: number): number => Math.floor(host64(b, at) / TICK_NS);
export const timeUsOf = (b: Uint8Array, at: number): number => Math.floor(host64(b, at) / 1000);

/**
 * Passes every whole record of a ring to `decode`, which says whether it knows the form.
 *
 * @returns how many it did not know; a rest that is no whole record counts as one (kernel and parser disagree)
 */
export function eachRecord(
  bytes: Uint8Array,
  length: number,
  decode: (b: Uint8Array, at: number, end: number) => boolean,
): number {
  let at = 0;
  let bad = 0;
  while (at + RECORD_HEADER <= length) {
    const start = at + RECORD_HEADER;
    const end = start + host32(bytes, at);
    if (end > length) break;
    if (!decode(bytes, start, end)) bad++;
    at = start + ((end - start + 7) & ~7);
  }
  return at < length ? bad + 1 : bad;
}

/** Appends the events of a ring in their order. @returns records left out because they have another form */
export function decodeSocketEvents(bytes: Uint8Array, length: number, out: SocketEventColumns): number {
  return eachRecord(bytes, length, (b, at, end) => decodeSocketEvent(b, at, end, out));
}

function decodeSocketEvent(b: Uint8Array, at: number, end: number, out: SocketEventColumns): boolean {
  if (end - at < EVENT_BYTES) return false;
  const kind = host32(b, at + KIND);
  if (kind !== SocketEvent.Seen && kind !== SocketEvent.Owner && kind !== SocketEvent.Closed) return false;
  const hasKey = kind !== SocketEvent.Closed;
  if (hasKey && !isInternet(b[at + FAMILY]!)) return false;
  const row = pushRow(out);
  if (hasKey) putKey(b, at, host32(b, at + IFINDEX), out.key, row * KEY_WORDS);
  out.kind[row] = kind;
  out.cookie[row] = host64(b, at + COOKIE);
  out.atUs[row] = timeUsOf(b, at + TIME);
  out.netns[row] = host32(b, at + NETNS);
  out.netnsCookie[row] = host64(b, at + NETNS_COOKIE);
  out.pid[row] = host32(b, at + PID);
  out.startTicks[row] = startTicksOf(b, at + START);
  out.uid[row] = host32(b, at + UID);
  out.cgroup[row] = host64(b, at + CGROUP);
  out.evidence[row] = b[at + EVIDENCE]!;
  out.previous[row] = b[at + PREVIOUS]!;
  out.flags[row] = host32(b, at + FLAGS);
  out.sequence[row] = host32(b, at + SEQUENCE);
  return true;
}

/**
 * Appends a row to both for every descriptor of an internet socket.
 *
 * @param seenUs CLOCK_BOOTTIME at which the snapshot was taken
 * @returns records left out because they have another form
 */
export function decodeSnapshot(
  bytes: Uint8Array,
  length: number,
  seenUs: number,
  sockets: SocketColumns,
  holders: HolderColumns,
): number {
  let bad = 0;
  for (let at = 0; at < length; at += SNAPSHOT_BYTES) {
    if (at + SNAPSHOT_BYTES > length || !isInternet(bytes[at + FAMILY]!)) bad++;
    else {
      putSocket(bytes, at, seenUs, sockets);
      putHolder(bytes, at, seenUs, holders);
    }
  }
  return bad;
}

function putSocket(b: Uint8Array, at: number, seenUs: number, out: SocketColumns): void {
  const row = pushRow(out);
  const ifindex = host32(b, at + IFINDEX);
  putKey(b, at, ifindex, out.key, row * KEY_WORDS);
  out.inode[row] = host64(b, at + INODE);
  out.cookie[row] = host64(b, at + COOKIE);
  out.seenUs[row] = seenUs;
  out.uid[row] = host32(b, at + SOCKET_UID);
  out.boundIfindex[row] = ifindex;
  out.netns[row] = host32(b, at + NETNS);
  out.state[row] = b[at + EVIDENCE]!;
  out.source[row] = SourceCode.Bpf;
}

function putHolder(b: Uint8Array, at: number, seenUs: number, out: HolderColumns): void {
  const row = pushRow(out);
  out.inode[row] = host64(b, at + INODE);
  out.pid[row] = host32(b, at + SNAPSHOT_PID);
  out.startTicks[row] = startTicksOf(b, at + SNAPSHOT_START);
  out.fd[row] = host32(b, at + FD);
  out.seenUs[row] = seenUs;
}

const isInternet = (family: number): boolean => family === AF_INET || family === AF_INET6;

function putKey(b: Uint8Array, at: number, ifindex: number, key: Int32Array, to: number): void {
  const family = b[at + FAMILY]!;
  putAddress(b, at + LOCAL, family, key, to + K_FIRST);
  putAddress(b, at + REMOTE, family, key, to + K_SECOND);
  finishKey(key, to, family, b[at + PROTOCOL]!, 0, be16(b, at + LOCAL_PORT), be16(b, at + REMOTE_PORT), ifindex);
}

function putAddress(b: Uint8Array, at: number, family: number, key: Int32Array, to: number): void {
  if (family === AF_INET) putMapped(key, to, be32(b, at));
  else for (let w = 0; w < 4; w++) key[to + w] = be32(b, at + 4 * w);
}
