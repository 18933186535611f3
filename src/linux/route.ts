/** Interfaces and local addresses over NETLINK_ROUTE, rtnetlink(7), include/uapi/linux/{if_link,if_addr,rtnetlink}.h. */
import { decodeHostile } from '../core/text.ts';
import { be32, host32, host64 } from './byte-order.ts';
import { createAttributeCursor, MESSAGE_HEADER, type MessageCursor, nextAttribute } from './netlink.ts';
import { NetlinkClient, type NetlinkTransport } from './netlink-client.ts';
import { AF_INET, AF_INET6, putMapped } from './socket-key.ts';

const RTM_NEWLINK = 16;
const RTM_DELLINK = 17;
const RTM_GETLINK = 18;
const RTM_NEWADDR = 20;
const RTM_DELADDR = 21;
const RTM_GETADDR = 22;

// ifinfomsg: family u8, pad u8, type u16, index s32, flags u32, change u32
const IFINFO_BYTES = 16;
const IFF_UP = 1;
const IFF_LOOPBACK = 8;
const IFLA_IFNAME = 3;
const IFLA_MTU = 4;
const IFLA_LINKINFO = 18;
const IFLA_STATS64 = 23;
const IFLA_INFO_KIND = 1;

// ifaddrmsg: family u8, prefix length u8, flags u8, scope u8, index u32
const IFADDR_BYTES = 8;
const IFA_ADDRESS = 1;
const IFA_LOCAL = 2;
const IFA_BROADCAST = 4;

/** Counters of rtnl_link_stats64, since the interface was made. */
export interface LinkStats {
  readonly rxPackets: number;
  readonly txPackets: number;
  readonly rxBytes: number;
  readonly txBytes: number;
  readonly rxDropped: number;
  readonly txDropped: number;
}

export interface Link {
  readonly ifindex: number;
  readonly name: string; // printable
  readonly up: boolean; // administratively
  readonly loopback: boolean;
  readonly mtu: number | null;
  readonly kind: string | null; // 'veth', 'bridge', 'tun' ...; null for hardware and lo
  readonly stats: LinkStats | null; // null in notifications that carry none
}

export interface LocalAddress {
  readonly words: Int32Array; // [4], IPv4 mapped
  readonly prefixLength: number; // of the family: 24 for 192.0.2.1/24
  readonly ifindex: number;
  readonly broadcast: Int32Array | null; // [4], IPv4 only
}

/** A link with what is bound to it. */
export interface Interface extends Link {
  readonly addresses: readonly LocalAddress[];
}

/** A change, or a row of a dump. */
export type RouteMessage =
  | { readonly kind: 'link'; readonly removed: boolean; readonly link: Link }
  | { readonly kind: 'address'; readonly removed: boolean; readonly address: LocalAddress };

/** @returns undefined for a message of another type or too short to be one */
export function parseRouteMessage(b: Uint8Array, cursor: MessageCursor): RouteMessage | undefined {
  const { type, payload, end } = cursor;
  if (type === RTM_NEWLINK || type === RTM_DELLINK) {
    const link = parseLink(b, payload, end);
    return link && { kind: 'link', removed: type === RTM_DELLINK, link };
  }
  if (type === RTM_NEWADDR || type === RTM_DELADDR) {
    const address = parseLocalAddress(b, payload, end);
    return address && { kind: 'address', removed: type === RTM_DELADDR, address };
  }
  return undefined;
}

function parseLink(b: Uint8Array, at: number, end: number): Link | undefined {
  if (end - at < IFINFO_BYTES) return undefined;
  const flags = host32(b, at + 8);
  let name = '';
  let mtu: number | null = null;
  let kind: string | null = null;
  let stats: LinkStats | null = null;
  const a = createAttributeCursor(at + IFINFO_BYTES);
  while (nextAttribute(b, end, a)) {
    if (a.type === IFLA_IFNAME) name = text(b, a.payload, a.length);
    else if (a.type === IFLA_MTU && a.length >= 4) mtu = host32(b, a.payload);
    else if (a.type === IFLA_LINKINFO) kind = parseKind(b, a.payload, a.payload + a.length);
    else if (a.type === IFLA_STATS64 && a.length >= 64) stats = parseStats(b, a.payload);
  }
  const up = (flags & IFF_UP) !== 0;
  return { ifindex: host32(b, at + 4), name, up, loopback: (flags & IFF_LOOPBACK) !== 0, mtu, kind, stats };
}

function parseKind(b: Uint8Array, at: number, end: number): string | null {
  const a = createAttributeCursor(at);
  while (nextAttribute(b, end, a)) if (a.type === IFLA_INFO_KIND) return text(b, a.payload, a.length);
  return null;
}

// u64 each: rx_packets, tx_packets, rx_bytes, tx_bytes, rx_errors, tx_errors, rx_dropped, tx_dropped
function parseStats(b: Uint8Array, at: number): LinkStats {
  return {
    rxPackets: host64(b, at),
    txPackets: host64(b, at + 8),
    rxBytes: host64(b, at + 16),
    txBytes: host64(b, at + 24),
    rxDropped: host64(b, at + 48),
    txDropped: host64(b, at + 56),
  };
}

function parseLocalAddress(b: Uint8Array, at: number, end: number): LocalAddress | undefined {
  if (end - at < IFADDR_BYTES) return undefined;
  const family = b[at]!;
  if (family !== AF_INET && family !== AF_INET6) return undefined;
  let address: Int32Array | undefined;
  let local: Int32Array | undefined; // on a point-to-point link `address` is the peer's
  let broadcast: Int32Array | null = null;
  const a = createAttributeCursor(at + IFADDR_BYTES);
  while (nextAttribute(b, end, a)) {
    if (a.length < (family === AF_INET ? 4 : 16)) continue;
    if (a.type === IFA_ADDRESS) address = readAddress(b, a.payload, family);
    else if (a.type === IFA_LOCAL) local = readAddress(b, a.payload, family);
    else if (a.type === IFA_BROADCAST) broadcast = readAddress(b, a.payload, family);
  }
  const words = local ?? address;
  return words && { words, prefixLength: b[at + 1]!, ifindex: host32(b, at + 4), broadcast };
}

function readAddress(b: Uint8Array, at: number, family: number): Int32Array {
  const words = new Int32Array(4);
  if (family === AF_INET) putMapped(words, 0, be32(b, at));
  else for (let w = 0; w < 4; w++) words[w] = be32(b, at + 4 * w);
  return words;
}

function text(b: Uint8Array, at: number, length: number): string {
  const bytes = b.subarray(at, at + length);
  const nul = bytes.indexOf(0);
  return decodeHostile(nul < 0 ? bytes : bytes.subarray(0, nul));
}

/** Interfaces and addresses of the namespace in which the transport was opened. */
export class Route {
  /** -errno of the last request that failed, 0: none yet. */
  lastError = 0;
  readonly client: NetlinkClient;
  #links: readonly Link[] = [];
  #addresses: readonly LocalAddress[] = [];

  constructor(transport: NetlinkTransport) {
    this.client = new NetlinkClient(transport);
  }

  /** Asks anew; the list of the last time when the kernel does not answer (then `lastError`). */
  links(): readonly Link[] {
    const pick = (message: RouteMessage): Link | undefined => (message.kind === 'link' ? message.link : undefined);
    this.#links = this.#dump(RTM_GETLINK, IFINFO_BYTES, pick) ?? this.#links;
    return this.#links;
  }

  /** As links(). */
  addresses(): readonly LocalAddress[] {
    const pick = (message: RouteMessage): LocalAddress | undefined =>
      message.kind === 'address' ? message.address : undefined;
    this.#addresses = this.#dump(RTM_GETADDR, IFADDR_BYTES, pick) ?? this.#addresses;
    return this.#addresses;
  }

  /** links() and addresses() joined. */
  interfaces(): Interface[] {
    const addresses = this.addresses();
    return this.links().map((link) => ({
      ...link,
      addresses: addresses.filter((address) => address.ifindex === link.ifindex),
    }));
  }

  close(): void {
    this.client.close();
  }

  #dump<Row>(type: number, bodyBytes: number, pick: (message: RouteMessage) => Row | undefined): Row[] | undefined {
    const rows: Row[] = [];
    const request = new Uint8Array(MESSAGE_HEADER + bodyBytes); // family 0: all
    const onMessage = (b: Uint8Array, cursor: MessageCursor): void => {
      const message = parseRouteMessage(b, cursor);
      const row = message && pick(message);
      if (row !== undefined) rows.push(row);
    };
    const restart = (): void => {
      rows.length = 0;
    };
    const result = this.client.dump(request, request.length, type, onMessage, restart);
    if (result < 0) this.lastError = result;
    return result < 0 ? undefined : rows;
  }
}
