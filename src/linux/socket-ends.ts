/**
 * Ends of TCP and UDP sockets as the kernel tells them: the multicast groups of sock_diag(7), net/core/sock_diag.c
 * sock_diag_broadcast_destroy(). Needs no right; tells of the namespace in which the transport was opened.
 *
 * A notice has the cookie, what is left of the tuple and what a connection carried, but neither inode nor user: it names
 * nobody by itself.
 */
import { copyRows, createColumns, pushRow } from '../core/columns.ts';
import { CLOSED_COLUMNS, type ClosedColumns, SOCKET_COLUMNS } from '../core/socket.ts';
import { SECOND_US } from '../core/time.ts';
import { KEY_WORDS, keyProtocol, keySecondPort, Protocol } from '../core/tuple.ts';
import { createAttributeCursor, createMessageCursor, nextAttribute, nextMessage } from './netlink.ts';
import { type NetlinkTransport, readWaiting } from './netlink-client.ts';
import { INET_DIAG_ATTRIBUTES, parseInetDiag, SOCK_DIAG_BY_FAMILY } from './sock-diag.ts';
import { putTotals } from './tcp-info.ts';

/**
 * What is asked of the notices. `totals`: only what connections carried, others tell which sockets there are and when
 * they are closed. `late-totals`: and they tell it up to a second later.
 */
export type EndsAsked = 'ends' | 'totals' | 'late-totals';

/** SKNLGRP_INET_TCP_DESTROY 1, SKNLGRP_INET_UDP_DESTROY 2, and those of IPv6, 3 and 4, as a mask for bind(2). */
export const SOCKET_END_GROUPS: Readonly<Record<EndsAsked, number>> = {
  ends: 0b1111,
  totals: 0b0101,
  'late-totals': 0b0101,
};

const INET_DIAG_INFO = 2; // attribute: tcp_info

const MESSAGE_BYTES = 1024; // that of a TCP socket has 380
/** Notices read at a time; each costs some 5 µs. */
const MOST = 2048;
/** Late totals wait so long, at least, or until there are so many. */
const HELD_US = SECOND_US;
const MOST_HELD = 1 << 15;

export class SocketEnds {
  /** Times that the kernel threw notices away because the socket was full. */
  lost = 0;
  readonly #transport: NetlinkTransport;
  readonly #nowUs: () => number;
  readonly #asked: EndsAsked;
  readonly #netns: number;
  readonly #message = new Uint8Array(MESSAGE_BYTES);
  readonly #cursor = createMessageCursor();
  readonly #attribute = createAttributeCursor();
  readonly #parsed = createColumns(SOCKET_COLUMNS, 1);
  #held = createColumns(CLOSED_COLUMNS); // the older ones
  #gathered = createColumns(CLOSED_COLUMNS);
  #dueUs = 0;

  /** @param transport in the groups above; @param nowUs CLOCK_BOOTTIME; @param netns index of its namespace in keys */
  constructor(transport: NetlinkTransport, nowUs: () => number, asked: EndsAsked = 'ends', netns = 0) {
    this.#transport = transport;
    this.#nowUs = nowUs;
    this.#asked = asked;
    this.#netns = netns;
  }

  /** Appends what waits. The time of a row is that of the reading: the socket was gone by then. */
  read(out: ClosedColumns, last: 'last' | 'more' = 'more'): void {
    const seenUs = this.#nowUs();
    const to = this.#asked === 'late-totals' ? this.#gathered : out;
    this.lost += readWaiting(this.#transport, this.#message, MOST, (length) => this.#take(length, seenUs, to)).lost;
    if (last === 'last') for (const late of [this.#held, this.#gathered]) copyRows(CLOSED_COLUMNS, late, out);
    else if (seenUs >= this.#dueUs || this.#gathered.count >= MOST_HELD) this.#release(seenUs, out);
  }

  #release(nowUs: number, out: ClosedColumns): void {
    this.#dueUs = nowUs + HELD_US;
    copyRows(CLOSED_COLUMNS, this.#held, out);
    if (this.#held.count + this.#gathered.count === 0) return;
    this.#held = this.#gathered;
    this.#gathered = createColumns(CLOSED_COLUMNS); // rows of used ones are not zero
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
      const whole = isWhole(parsed.key);
      if (this.#asked !== 'ends' && !whole) continue;
      const row = pushRow(out);
      out.cookie[row] = parsed.cookie[0]!;
      if (whole) this.#takeTotals(cursor.payload + INET_DIAG_ATTRIBUTES, cursor.end, out, row);
      if (this.#asked !== 'ends') continue;
      out.atUs[row] = seenUs;
      if (whole) out.key.set(parsed.key, row * KEY_WORDS);
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
