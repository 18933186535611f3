/**
 * Births and ends of processes as the kernel tells them: the proc connector, include/uapi/linux/{connector,cn_proc}.h,
 * drivers/connector/cn_proc.c. Only from the initial pid, user and network namespace; before Linux 6.6 it needs
 * CAP_NET_ADMIN. An event comes some 0.2 ms after what it tells (measured), and says nothing about sockets.
 */
import { host16, host32, host64, putHost16, putHost32 } from './byte-order.ts';
import { MESSAGE_HEADER, NLMSG_DONE, putMessageHeader } from './netlink.ts';
import { Errno, type NetlinkTransport, readWaiting } from './netlink-client.ts';

export const NETLINK_CONNECTOR = 11;
/** Multicast group, and the identity of its messages. */
export const CN_IDX_PROC = 1;
const CN_VAL_PROC = 1;
const PROC_CN_MCAST_LISTEN = 1;
const PROC_CN_MCAST_IGNORE = 2;

// cn_msg: idx u32, val u32, seq u32, ack u32, len u16, flags u16, then the proc_event
const CN_LENGTH = 16;
const CN_MSG = 20;
// proc_event: what u32, cpu u32, timestamp_ns u64 (CLOCK_MONOTONIC), then up to 24 octets that depend on `what`
const TIMESTAMP = 8;
const EVENT_DATA = 16;
const EVENT_BYTES = EVENT_DATA + 8; // pid and tgid stand first in all that are read
const REQUEST_BYTES = MESSAGE_HEADER + CN_MSG + 4;
const MESSAGE_BYTES = 128; // an event has 76

/** Values of proc_event.what that are read. */
export const ProcEventKind = { Ack: 0, Fork: 1, Exec: 2, Uid: 4, Comm: 0x200, Exit: 0x80000000 } as const;

/** One event of a whole process; those of single threads are left out. */
export interface ProcEvent {
  kind: number; // ProcEventKind
  pid: number; // thread group id; of a fork that of the child
  parentPid: number; // fork and exit only, else 0
  value: number; // ack: errno; uid: the new real uid; exit: wait status; else 0
  atNs: number; // CLOCK_MONOTONIC; exact to 0.1 µs for a hundred years
}

export const createProcEvent = (): ProcEvent => ({ kind: 0, pid: 0, parentPid: 0, value: 0, atNs: 0 });

/**
 * Reads the datagram `b[0..length)` into `out`. Pure.
 *
 * @returns false for events of threads, of kinds that nobody needs, and for what is no event at all
 */
export function parseProcEvent(b: Uint8Array, length: number, out: ProcEvent): boolean {
  const at = MESSAGE_HEADER + CN_MSG;
  if (length < at + EVENT_BYTES || host32(b, 0) > length) return false;
  if (host32(b, MESSAGE_HEADER) !== CN_IDX_PROC || host32(b, MESSAGE_HEADER + 4) !== CN_VAL_PROC) return false;
  const end = at + host16(b, MESSAGE_HEADER + CN_LENGTH);
  const data = at + EVENT_DATA;
  if (end > length || end < at + EVENT_BYTES) return false;
  const word = (n: number): number => (data + 4 * n + 4 <= end ? host32(b, data + 4 * n) : 0);
  out.kind = host32(b, at);
  out.atNs = host64(b, at + TIMESTAMP);
  out.pid = word(1);
  out.parentPid = 0;
  out.value = 0;
  switch (out.kind) {
    case ProcEventKind.Ack:
      out.pid = 0;
      out.value = word(0);
      return true;
    case ProcEventKind.Fork: // parent pid and tgid, child pid and tgid
      out.parentPid = word(1);
      out.pid = word(3);
      return word(2) === out.pid && out.pid !== 0;
    case ProcEventKind.Exec:
      return true; // the thread that calls exec becomes the leader
    case ProcEventKind.Uid: // pid, tgid, real uid, effective uid
      out.value = word(2);
      return true;
    case ProcEventKind.Comm:
      return word(0) === out.pid;
    case ProcEventKind.Exit: // pid, tgid, exit code, signal, parent's pid and tgid
      out.value = word(2);
      out.parentPid = word(5);
      return word(0) === out.pid;
    default:
      return false;
  }
}

const ACK_WAIT_MS = 100;
const ACK_TRIES = 1000; // other events that may come before the answer
const ETIMEDOUT = 110;

/** A subscription over a netlink socket that has joined the group CN_IDX_PROC. */
export class ProcConnector {
  /** Times that the kernel threw events away because the socket was full. */
  lost = 0;
  readonly #transport: NetlinkTransport;
  readonly #message = new Uint8Array(MESSAGE_BYTES);
  readonly #event = createProcEvent();

  constructor(transport: NetlinkTransport) {
    this.#transport = transport;
  }

  /**
   * @returns 0, or -errno: -ECONNREFUSED in another network namespace, -EPERM without the right, -ETIMEDOUT when nobody
   * answers (another pid namespace, or a kernel without CONFIG_PROC_EVENTS)
   */
  subscribe(): number {
    const sent = this.#say(PROC_CN_MCAST_LISTEN);
    if (sent < 0) return sent;
    for (let n = 0; n < ACK_TRIES; n++) {
      const got = this.#transport.receive(this.#message, ACK_WAIT_MS);
      if (got === -Errno.EAGAIN) return -ETIMEDOUT;
      if (got < 0) return got;
      const isAck = parseProcEvent(this.#message, got, this.#event) && this.#event.kind === ProcEventKind.Ack;
      if (isAck) return this.#event.value === 0 ? 0 : -this.#event.value;
    }
    return -ETIMEDOUT;
  }

  /** Passes on what waits, at most `most` datagrams; `event` is valid during the call. @returns datagrams read */
  read(most: number, onEvent: (event: ProcEvent) => void): number {
    const { read, lost } = readWaiting(this.#transport, this.#message, most, (got) => {
      if (parseProcEvent(this.#message, got, this.#event)) onEvent(this.#event);
    });
    this.lost += lost;
    return read;
  }

  /** Also says that nobody listens any more: before Linux 6.6 the kernel counts those that said they do. */
  close(): void {
    this.#say(PROC_CN_MCAST_IGNORE);
    this.#transport.close();
  }

  #say(operation: number): number {
    const request = new Uint8Array(REQUEST_BYTES);
    putMessageHeader(request, REQUEST_BYTES, NLMSG_DONE, 0, 0);
    putHost32(request, MESSAGE_HEADER, CN_IDX_PROC);
    putHost32(request, MESSAGE_HEADER + 4, CN_VAL_PROC);
    putHost16(request, MESSAGE_HEADER + CN_LENGTH, 4);
    putHost32(request, MESSAGE_HEADER + CN_MSG, operation);
    return this.#transport.send(request, REQUEST_BYTES);
  }
}
