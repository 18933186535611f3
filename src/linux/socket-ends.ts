/**
 * Ends of TCP and UDP sockets as the kernel tells them: the multicast groups of sock_diag(7), net/core/sock_diag.c
 * sock_diag_broadcast_destroy(). Needs no right; tells of the namespace in which the transport was opened.
 *
 * A notice has the cookie, what is left of the tuple and what a connection carried, but neither inode nor user: it names
 * nobody by itself.
 */
import { createColumns, pushRow } from '../core/columns.ts';
import { type ClosedColumns, SOCKET_COLUMNS } from '../core/socket.ts';
import { KEY_WORDS, keyProtocol, keySecondPort, Protocol } from '../core/tuple.ts';
import { createAttributeCursor, createMessageCursor, nextAttribute, nextMessage } from './netlink.ts';
import { type NetlinkTransport, readWaiting } from './netlink-client.ts';
import { INET_DIAG_ATTRIBUTES, parseInetDiag, SOCK_DIAG_BY_FAMILY } from './sock-diag.ts';
import { putTotals } from './tcp-info.ts';

/** SKNLGRP_INET_TCP_DESTROY 1, SKNLGRP_INET_UDP_DESTROY 2, and those of IPv6, 3 and 4, as a mask for bind(2). */
export const SOCKET_END_GROUPS = 0b1111;
/** Those of TCP: only they say what a socket carried. */
export const TCP_END_GROUPS = 0b0101;

const INET_DIAG_INFO = 2; // attribute: tcp_info

const MESSAGE_BYTES = 1024; // that of a TCP socket has 380
/** Notices read at a time; each costs some 5 µs. */
const MOST = 2048;

export class SocketEnds {
  /** Times that the kernel threw notices away because the socket was full. */
  lost = 0;
  readonly #transport: NetlinkTransport;
  readonly #nowUs: () => number;
  readonly #netns: number;
  readonly #message = new Uint8Array(MESSAGE_BYTES);
  readonly #cursor = createMessageCursor();
  readonly #attribute = createAttributeCursor();
  readonly #parsed = createColumns(SOCKET_COLUMNS, 1);

  /** @param transport in the groups above; @param nowUs CLOCK_BOOTTIME; @param netns index of its namespace in keys */
  constructor(transport: NetlinkTransport, nowUs: () => number, netns = 0) {
    this.#transport = transport;
    this.#nowUs = nowUs;
    this.#netns = netns;
  }

  /** Appends what waits. The time of a row is that of the reading: the socket was gone by then. */
  read(out: ClosedColumns): void {
    const seenUs = this.#nowUs();
    const { lost } = readWaiting(this.#transport, this.#message, MOST, (length) => this.#take(length, seenUs, out));
    this.lost += lost;
  }

  close(): void {
    this.#transport.close();
  }

  #take(length: number, seenUs: number, out: ClosedColumns): void {
    const cursor = this.#cursor;
    const parsed = this.#parsed;
    cursor.next = 0;
    while (nextMessage(this.#message, length, cursor)) {
      parsed.count = 0;
      const context = { protocol: 0, netns: this.#netns, seenUs };
      if (cursor.type !== SOCK_DIAG_BY_FAMILY) continue;
      if (parseInetDiag(this.#message, cursor.payload, cursor.end, context, parsed) === -1) continue;
      const row = pushRow(out);
      out.cookie[row] = parsed.cookie[0]!;
      out.atUs[row] = seenUs;
      if (!isWhole(parsed.key)) continue;
      out.key.set(parsed.key, row * KEY_WORDS);
      this.#takeTotals(cursor.payload + INET_DIAG_ATTRIBUTES, cursor.end, out, row);
    }
  }

  /** One that was reset by its own end has lost its counters with its tuple. */
  #takeTotals(from: number, end: number, out: ClosedColumns, row: number): void {
    const attribute = this.#attribute;
    attribute.next = from;
    while (nextAttribute(this.#message, end, attribute)) {
      if (attribute.type === INET_DIAG_INFO) putTotals(this.#message, attribute.payload, attribute.length, out, row);
    }
  }
}

/** A connection that was reset, or a listener, has lost its other end, or never had one; a datagram socket needs none. */
function isWhole(key: Int32Array): boolean {
  const protocol = keyProtocol(key);
  return protocol === Protocol.Udp || (protocol === Protocol.Tcp && keySecondPort(key) !== 0);
}
