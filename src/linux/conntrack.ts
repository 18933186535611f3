/**
 * Connections that the kernel tracks, and of them those whose tuple is translated: include/uapi/linux/netfilter/
 * nfnetlink_conntrack.h, net/netfilter/nf_conntrack_netlink.c. Of the network namespace of the socket; CAP_NET_ADMIN.
 */
import { pushRow } from '../core/columns.ts';
import type { TranslationColumns } from '../core/translation.ts';
import { equalKeys, K_FIRST, K_SECOND, KEY_WORDS, Protocol, reverseKey } from '../core/tuple.ts';
import { be16, be32 } from './byte-order.ts';
import {
  type AttributeCursor,
  createAttributeCursor,
  createMessageCursor,
  MESSAGE_HEADER,
  nextAttribute,
  nextMessage,
} from './netlink.ts';
import { NetlinkClient, type NetlinkTransport, readWaiting } from './netlink-client.ts';
import { AF_INET, AF_INET6, finishKey, putMapped } from './socket-key.ts';

export const NETLINK_NETFILTER = 12;
/** Multicast groups for ConntrackEvents, as bits: NFNLGRP_CONNTRACK_NEW 1 and _DESTROY 3. A tuple never changes between. */
export const CONNTRACK_GROUPS = (1 << 0) | (1 << 2);

const SUBSYSTEM = 1 << 8; // NFNL_SUBSYS_CTNETLINK
const CT_NEW = SUBSYSTEM;
const CT_GET = SUBSYSTEM | 1;
const CT_DELETE = SUBSYSTEM | 2;
const NFGENMSG = 4; // octets: family u8, version u8, resource be16
const CTA_TUPLE_ORIG = 1;
const CTA_TUPLE_REPLY = 2;
// in a tuple
const CTA_TUPLE_IP = 1;
const CTA_TUPLE_PROTO = 2;
// in CTA_TUPLE_IP
const CTA_IP_V4_SRC = 1;
const CTA_IP_V4_DST = 2;
const CTA_IP_V6_SRC = 3;
const CTA_IP_V6_DST = 4;
// in CTA_TUPLE_PROTO
const CTA_PROTO_NUM = 1;
const CTA_PROTO_SRC_PORT = 2;
const CTA_PROTO_DST_PORT = 3;
const CTA_PROTO_ICMP_ID = 4;
const CTA_PROTO_ICMPV6_ID = 7;

/** Translations that a list has at most: what the flow table remembers. */
export const MOST_LISTED = 65_536;
const EVENT_BYTES = 8192; // an event has some 200; labels, helpers and extensions add to that

const tuples = createAttributeCursor();
const parts = createAttributeCursor();
const fields = createAttributeCursor();
const reply = new Int32Array(KEY_WORDS);
const turned = new Int32Array(KEY_WORDS);

/**
 * Appends the connection at `b[at..end)`, which begins with its nfgenmsg, if its tuple is translated. Pure.
 *
 * @returns whether it is
 */
export function parseConntrack(
  b: Uint8Array,
  at: number,
  end: number,
  ended: boolean,
  out: TranslationColumns,
): boolean {
  if (end - at < NFGENMSG || (b[at] !== AF_INET && b[at] !== AF_INET6)) return false;
  const row = pushRow(out);
  const original = row * KEY_WORDS;
  let known = 0;
  tuples.next = at + NFGENMSG;
  while (nextAttribute(b, end, tuples)) {
    if (tuples.type === CTA_TUPLE_ORIG && parseTuple(b, tuples, b[at]!, false, out.original, original)) known |= 1;
    else if (tuples.type === CTA_TUPLE_REPLY && parseTuple(b, tuples, b[at]!, true, reply, 0)) known |= 2;
  }
  // What comes back answers the translated tuple.
  reverseKey(reply, 0, turned, 0);
  const isTranslated = known === 3 && !equalKeys(turned, 0, out.original, original);
  if (isTranslated) {
    out.translated.set(turned, original);
    out.ended[row] = ended ? 1 : 0;
  } else out.count--;
  return isTranslated;
}

/** @param isReply the echo id then stands at the second end: it belongs to who asks */
function parseTuple(
  b: Uint8Array,
  tuple: AttributeCursor,
  family: number,
  isReply: boolean,
  key: Int32Array,
  to: number,
): boolean {
  const end = tuple.payload + tuple.length;
  let protocol = -1;
  let [src, dst] = [0, 0];
  let addresses = 0;
  parts.next = tuple.payload;
  while (nextAttribute(b, end, parts)) {
    fields.next = parts.payload;
    while (nextAttribute(b, parts.payload + parts.length, fields)) {
      const { type, payload, length } = fields;
      if (parts.type === CTA_TUPLE_IP) addresses |= parseAddress(b, type, payload, length, key, to);
      else if (parts.type !== CTA_TUPLE_PROTO) continue;
      else if (type === CTA_PROTO_NUM && length >= 1) protocol = b[payload]!;
      else if (length < 2) continue;
      else if (type === CTA_PROTO_SRC_PORT) src = be16(b, payload);
      else if (type === CTA_PROTO_DST_PORT) dst = be16(b, payload);
      else if (type === CTA_PROTO_ICMP_ID || type === CTA_PROTO_ICMPV6_ID) {
        if (isReply) dst = be16(b, payload);
        else src = be16(b, payload);
      }
    }
  }
  if (protocol < 0 || addresses !== 3) return false;
  if (protocol === Protocol.Gre) [src, dst] = [0, 0]; // call ids of PPTP: packets have no such ports
  finishKey(key, to, family, protocol, 0, src, dst, 0);
  return true;
}

/** @returns 1 when the source address was written, 2 the destination, 0 neither */
function parseAddress(b: Uint8Array, type: number, at: number, length: number, key: Int32Array, to: number): number {
  const isSource = type === CTA_IP_V4_SRC || type === CTA_IP_V6_SRC;
  const word = to + (isSource ? K_FIRST : K_SECOND);
  if ((type === CTA_IP_V4_SRC || type === CTA_IP_V4_DST) && length >= 4) putMapped(key, word, be32(b, at));
  else if ((type === CTA_IP_V6_SRC || type === CTA_IP_V6_DST) && length >= 16) {
    for (let w = 0; w < 4; w++) key[word + w] = be32(b, at + 4 * w);
  } else return 0;
  return isSource ? 1 : 2;
}

/**
 * Appends every translated connection that there is now.
 *
 * @returns 0 or -errno: -EPERM without the right, -EPROTONOSUPPORT or -EINVAL where the kernel tracks nothing
 */
export function dumpConntrack(transport: NetlinkTransport, out: TranslationColumns): number {
  const client = new NetlinkClient(transport);
  const request = new Uint8Array(MESSAGE_HEADER + NFGENMSG); // AF_UNSPEC: both families
  const first = out.count;
  const restart = (): void => {
    out.count = first;
  };
  return client.dump(
    request,
    request.length,
    CT_GET,
    (b, cursor) => {
      if (cursor.type === CT_NEW && out.count < first + MOST_LISTED)
        parseConntrack(b, cursor.payload, cursor.end, false, out);
    },
    restart,
  );
}

/** What begins and ends from now on, over a netlink socket that has joined CONNTRACK_GROUPS. */
export class ConntrackEvents {
  /** Times that the kernel threw events away because the socket was full: list all again. */
  lost = 0;
  readonly #transport: NetlinkTransport;
  readonly #message = new Uint8Array(EVENT_BYTES);
  readonly #cursor = createMessageCursor();

  constructor(transport: NetlinkTransport) {
    this.#transport = transport;
  }

  /** Appends what waits, reading at most `most` datagrams. @returns datagrams read */
  read(most: number, out: TranslationColumns): number {
    const { read, lost } = readWaiting(this.#transport, this.#message, most, (got) => this.#parse(got, out));
    this.lost += lost;
    return read;
  }

  #parse(length: number, out: TranslationColumns): void {
    const cursor = this.#cursor;
    cursor.next = 0;
    cursor.malformed = false;
    while (nextMessage(this.#message, length, cursor)) {
      const ended = cursor.type === CT_DELETE;
      if (ended || cursor.type === CT_NEW) parseConntrack(this.#message, cursor.payload, cursor.end, ended, out);
    }
  }

  close(): void {
    this.#transport.close();
  }
}
