/**
 * NETLINK_SOCK_DIAG for internet sockets, sock_diag(7), net/ipv4/inet_diag.c. Needs no right.
 *
 * A look-up takes 3 µs whatever the number of sockets, a dump of 1,000 sockets 0.6 ms (measured).
 */
import { isUnspecified } from '../core/address.ts';
import { pushRow } from '../core/columns.ts';
import { NO_UID, type SocketColumns, SocketState, SourceCode } from '../core/socket.ts';
import {
  K_FIRST,
  K_SCOPE,
  K_SECOND,
  KEY_WORDS,
  keyFirstPort,
  keyIpVersion,
  keyProtocol,
  keySecondPort,
  Protocol,
} from '../core/tuple.ts';
import { be16, be32, host32, host32s, putBe16, putBe32, putHost32 } from './byte-order.ts';
import { createAttributeCursor, MESSAGE_HEADER, type MessageCursor, nextAttribute } from './netlink.ts';
import { Errno, NetlinkClient, type NetlinkTransport } from './netlink-client.ts';
import { AF_INET, AF_INET6, finishKey, putMapped } from './socket-key.ts';

export const SOCK_DIAG_BY_FAMILY = 20;
/** Mask of states for dumps: bit = SocketState. */
export const ALL_STATES = 0xfff;

// inet_diag_req_v2: family u8, protocol u8, ext u8, raw protocol u8, states u32, inet_diag_sockid
const REQUEST_BYTES = MESSAGE_HEADER + 56;
const REQUEST_ID = 8;
// inet_diag_msg: family u8, state u8, timer u8, retransmits u8, inet_diag_sockid, expires u32 ...
const MESSAGE_BYTES = 72;
/** Where the attributes of a message begin, octets from its begin. */
export const INET_DIAG_ATTRIBUTES = MESSAGE_BYTES;
const MESSAGE_ID = 4;
const RQUEUE = 56;
const WQUEUE = 60;
const UID = 64;
const INODE = 68;
// inet_diag_sockid: ports be16, addresses be32[4], interface u32, cookie u32[2]
const REMOTE_PORT = 2;
const LOCAL_ADDRESS = 4;
const REMOTE_ADDRESS = 20;
const INTERFACE = 36;
const COOKIE = 40;
const INET_DIAG_PROTOCOL = 10; // attribute

/** States of SCTP associations (include/net/sctp/constants.h sctp_state) as the nearest TCP one. */
const SCTP_STATES = [
  SocketState.Close,
  SocketState.SynSent,
  SocketState.SynSent,
  SocketState.Established,
  SocketState.FinWait1,
  SocketState.FinWait2,
  SocketState.CloseWait,
  SocketState.LastAck,
] as const;

/** What the answer does not say of itself. */
export interface DiagContext {
  readonly protocol: number; // as asked for
  readonly netns: number; // namespace index for the keys
  readonly seenUs: number; // CLOCK_BOOTTIME
}

/**
 * Appends the inet_diag_msg at `b[at..end)` to `out`. Pure.
 *
 * @returns its row, -1 when it is too short or of another family
 */
export function parseInetDiag(
  b: Uint8Array,
  at: number,
  end: number,
  context: DiagContext,
  out: SocketColumns,
): number {
  if (end - at < MESSAGE_BYTES) return -1;
  const family = b[at]!;
  if (family !== AF_INET && family !== AF_INET6) return -1;
  const id = at + MESSAGE_ID;
  const row = pushRow(out);
  const key = row * KEY_WORDS;
  putAddress(b, id + LOCAL_ADDRESS, family, out.key, key + K_FIRST);
  putAddress(b, id + REMOTE_ADDRESS, family, out.key, key + K_SECOND);
  const raw = context.protocol === Protocol.Raw;
  const localPort = be16(b, id);
  const remotePort = be16(b, id + REMOTE_PORT);
  const ifindex = host32(b, id + INTERFACE);
  const protocol = raw ? localPort & 0xff : protocolOf(b, at + MESSAGE_BYTES, end, context.protocol);
  finishKey(out.key, key, family, protocol, context.netns, raw ? 0 : localPort, remotePort, ifindex);

  const state = b[at + 1]!;
  const uid = host32(b, at + UID);
  const inode = host32(b, at + INODE);
  out.inode[row] = inode;
  out.cookie[row] = host32s(b, id + COOKIE + 4) * 2 ** 32 + host32(b, id + COOKIE);
  out.seenUs[row] = context.seenUs;
  // Without an inode (TIME_WAIT, SYN_RECV, orphans before Linux 6.16) uid 0 means that there is none, not root.
  out.uid[row] = state === SocketState.TimeWait || (inode === 0 && uid === 0) ? NO_UID : uid;
  out.receiveQueue[row] = host32(b, at + RQUEUE);
  out.sendQueue[row] = host32(b, at + WQUEUE);
  out.boundIfindex[row] = ifindex;
  out.state[row] = protocol === Protocol.Sctp && remotePort !== 0 ? (SCTP_STATES[state] ?? state) : state;
  out.source[row] = SourceCode.Diag;
  return row;
}

function putAddress(b: Uint8Array, at: number, family: number, key: Int32Array, to: number): void {
  if (family === AF_INET) putMapped(key, to, be32(b, at));
  else for (let w = 0; w < 4; w++) key[to + w] = be32(b, at + 4 * w);
}

const attribute = createAttributeCursor();

/** DESTROY notifications say their protocol in an attribute, answers only what was asked. */
function protocolOf(b: Uint8Array, at: number, end: number, asked: number): number {
  attribute.next = at;
  while (nextAttribute(b, end, attribute)) {
    if (attribute.type === INET_DIAG_PROTOCOL && attribute.length >= 1) return b[attribute.payload]!;
  }
  return asked;
}

/**
 * Writes the body of a dump request, after MESSAGE_HEADER octets.
 *
 * @param family AF_INET or AF_INET6: the kernel has no answer for both at once
 * @param statesMask bits 1 << SocketState
 */
export function encodeDump(b: Uint8Array, family: number, protocol: number, statesMask: number): void {
  b.fill(0, MESSAGE_HEADER, REQUEST_BYTES);
  b[MESSAGE_HEADER] = family;
  b[MESSAGE_HEADER + 1] = protocol;
  putHost32(b, MESSAGE_HEADER + 4, statesMask);
}

/**
 * Writes the body of a look-up of the key at `key[at]`, whose first end is local.
 *
 * TCP takes local as source. UDP takes it as destination: udp_dump_one() hands both ends to the function that
 * looks up the receiver of a packet, whose source is remote.
 *
 * @param ifindex device that a bound socket must have; 0 finds only sockets bound to none
 */
export function encodeFind(b: Uint8Array, key: Int32Array, at: number, ifindex: number): void {
  const protocol = keyProtocol(key, at);
  const family = keyIpVersion(key, at) === 4 ? AF_INET : AF_INET6;
  encodeDump(b, family, protocol, 0xffffffff);
  const swapped = protocol !== Protocol.Tcp;
  const id = MESSAGE_HEADER + REQUEST_ID;
  putBe16(b, swapped ? id + REMOTE_PORT : id, keyFirstPort(key, at));
  putBe16(b, swapped ? id : id + REMOTE_PORT, keySecondPort(key, at));
  encodeAddress(b, swapped ? id + REMOTE_ADDRESS : id + LOCAL_ADDRESS, family, key, at + K_FIRST);
  encodeAddress(b, swapped ? id + LOCAL_ADDRESS : id + REMOTE_ADDRESS, family, key, at + K_SECOND);
  putHost32(b, id + INTERFACE, ifindex !== 0 ? ifindex : key[at + K_SCOPE]!);
  putHost32(b, id + COOKIE, 0xffffffff); // INET_DIAG_NOCOOKIE: any
  putHost32(b, id + COOKIE + 4, 0xffffffff);
}

function encodeAddress(b: Uint8Array, to: number, family: number, key: Int32Array, at: number): void {
  if (family === AF_INET) putBe32(b, to, key[at + 3]!);
  else for (let w = 0; w < 4; w++) putBe32(b, to + 4 * w, key[at + w]!);
}

/**
 * Whether the socket `given` is an answer to the question `asked`, and not what the kernel returns in its place:
 * TCP gives the listener when the connection is gone.
 */
export function answers(asked: Int32Array, askedAt: number, given: Int32Array, givenAt: number): boolean {
  if (keyFirstPort(asked, askedAt) !== keyFirstPort(given, givenAt)) return false;
  const datagram = keyProtocol(asked, askedAt) !== Protocol.Tcp;
  if (keySecondPort(given, givenAt) === 0 && (datagram || keySecondPort(asked, askedAt) === 0)) {
    // Not connected: bound to the address, or to all of them.
    return isUnspecified(given, givenAt + K_FIRST) || sameAddress(asked, askedAt + K_FIRST, given, givenAt + K_FIRST);
  }
  return (
    keySecondPort(asked, askedAt) === keySecondPort(given, givenAt) &&
    sameAddress(asked, askedAt + K_FIRST, given, givenAt + K_FIRST) &&
    sameAddress(asked, askedAt + K_SECOND, given, givenAt + K_SECOND)
  );
}

function sameAddress(a: Int32Array, atA: number, b: Int32Array, atB: number): boolean {
  for (let w = 0; w < 4; w++) if (a[atA + w] !== b[atB + w]) return false;
  return true;
}

export class SockDiag {
  /** -errno of the last request that failed for another reason than that there is no such socket; 0: none yet. */
  lastError = 0;
  readonly client: NetlinkClient;
  readonly #request = new Uint8Array(REQUEST_BYTES);
  readonly #nowUs: () => number;
  readonly #context: { protocol: number; netns: number; seenUs: number };
  #out: SocketColumns | undefined;
  #row = -1;

  /** @param nowUs CLOCK_BOOTTIME; @param netns index of the namespace in which the transport was opened */
  constructor(transport: NetlinkTransport, nowUs: () => number, netns = 0) {
    this.client = new NetlinkClient(transport);
    this.#nowUs = nowUs;
    this.#context = { protocol: 0, netns, seenUs: 0 };
  }

  /**
   * Appends all sockets of a protocol and family in the states of the mask.
   *
   * @returns 0 or -errno; -ENOENT: the kernel has no module for this protocol. On failure `out` is as before
   */
  dump(protocol: number, family: number, statesMask: number, out: SocketColumns): number {
    const first = out.count;
    this.#prepare(protocol, out);
    encodeDump(this.#request, family, protocol, statesMask);
    const restart = (): void => {
      out.count = first;
    };
    const result = this.client.dump(this.#request, REQUEST_BYTES, SOCK_DIAG_BY_FAMILY, this.#onMessage, restart);
    if (result < 0) {
      out.count = first;
      this.lastError = result;
    }
    return result;
  }

  /**
   * Appends the socket that owns a tuple: of TCP the connection itself, of UDP and UDP-Lite also a socket that is
   * not connected but would receive the packet. Other protocols have no look-up: false.
   *
   * @param key first end local; @param ifindex see encodeFind()
   */
  find(key: Int32Array, at: number, out: SocketColumns, ifindex = 0): boolean {
    const protocol = keyProtocol(key, at);
    if (protocol !== Protocol.Tcp && protocol !== Protocol.Udp && protocol !== Protocol.UdpLite) return false;
    const first = out.count;
    this.#prepare(protocol, out);
    encodeFind(this.#request, key, at, ifindex);
    const result = this.client.find(this.#request, REQUEST_BYTES, SOCK_DIAG_BY_FAMILY, this.#onMessage);
    if (result < 0 && result !== -Errno.ENOENT) this.lastError = result;
    if (this.#row >= 0 && answers(key, at, out.key, this.#row * KEY_WORDS)) return true;
    out.count = first;
    return false;
  }

  close(): void {
    this.client.close();
  }

  #prepare(protocol: number, out: SocketColumns): void {
    this.#context.protocol = protocol;
    this.#context.seenUs = this.#nowUs();
    this.#out = out;
    this.#row = -1;
  }

  readonly #onMessage = (b: Uint8Array, cursor: MessageCursor): void => {
    if (cursor.type !== SOCK_DIAG_BY_FAMILY || this.#out === undefined) return;
    this.#row = parseInetDiag(b, cursor.payload, cursor.end, this.#context, this.#out);
  };
}
