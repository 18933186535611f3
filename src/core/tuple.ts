/**
 * The five-tuple as a row of KEY_WORDS 32-bit words, so that flows, sockets and facts are compared
 * and hashed without allocation and cross threads as columns.
 *
 * For packets and flows the first end is src; for sockets it is local.
 */
export const KEY_WORDS = 11;
export const K_META = 0; // protocol | ip version << 8 | namespace index << 16
export const K_PORTS = 1; // first port << 16 | second port; ICMP echo: the id is the port of the end that asks
export const K_SCOPE = 2; // ifindex when an address is link-local (fe80::/10), else 0
export const K_FIRST = 3; // four words, network order; IPv4 as ::ffff:a.b.c.d
export const K_SECOND = 7; // four words

/** Protocol numbers, https://www.iana.org/assignments/protocol-numbers */
export const Protocol = {
  Icmp: 1,
  Tcp: 6,
  Udp: 17,
  Dccp: 33,
  Gre: 47,
  Esp: 50,
  Ah: 51,
  Icmp6: 58,
  Sctp: 132,
  UdpLite: 136,
  Raw: 255,
} as const;

const PROTOCOL_NAMES: ReadonlyMap<number, string> = new Map([
  [1, 'icmp'],
  [2, 'igmp'],
  [4, 'ipip'],
  [6, 'tcp'],
  [17, 'udp'],
  [33, 'dccp'],
  [41, 'ipv6'],
  [47, 'gre'],
  [50, 'esp'],
  [51, 'ah'],
  [58, 'icmp6'],
  [89, 'ospf'],
  [103, 'pim'],
  [112, 'vrrp'],
  [132, 'sctp'],
  [136, 'udplite'],
]);

/** Stable lower-case name, or the number as text. */
export function protocolName(protocol: number): string {
  return PROTOCOL_NAMES.get(protocol) ?? String(protocol);
}

/** @returns protocol number for a name of protocolName() or a decimal 0 to 255, else undefined */
export function protocolNumber(text: string): number | undefined {
  for (const [number, name] of PROTOCOL_NAMES) if (name === text.toLowerCase()) return number;
  return /^\d{1,3}$/.test(text) && Number(text) <= 255 ? Number(text) : undefined;
}

export const keyProtocol = (key: Int32Array, at = 0): number => key[at + K_META]! & 0xff;
export const keyIpVersion = (key: Int32Array, at = 0): number => (key[at + K_META]! >>> 8) & 0xff;
export const keyNetns = (key: Int32Array, at = 0): number => key[at + K_META]! >>> 16;
export const keyFirstPort = (key: Int32Array, at = 0): number => key[at + K_PORTS]! >>> 16;
export const keySecondPort = (key: Int32Array, at = 0): number => key[at + K_PORTS]! & 0xffff;

export function packMeta(protocol: number, ipVersion: number, netns: number): number {
  return protocol | (ipVersion << 8) | (netns << 16);
}

export function packPorts(first: number, second: number): number {
  return (first << 16) | second;
}

/** Copies the key at `key[at]` to `out[to]` with its two ends exchanged. `out` may not overlap the source row. */
export function reverseKey(key: Int32Array, at: number, out: Int32Array, to: number): void {
  out[to + K_META] = key[at + K_META]!;
  out[to + K_PORTS] = packPorts(keySecondPort(key, at), keyFirstPort(key, at));
  out[to + K_SCOPE] = key[at + K_SCOPE]!;
  for (let w = 0; w < 4; w++) {
    out[to + K_FIRST + w] = key[at + K_SECOND + w]!;
    out[to + K_SECOND + w] = key[at + K_FIRST + w]!;
  }
}

export function equalKeys(a: Int32Array, atA: number, b: Int32Array, atB: number): boolean {
  for (let w = 0; w < KEY_WORDS; w++) if (a[atA + w] !== b[atB + w]) return false;
  return true;
}

/** Hash of the key at `key[at]`, both ends in order; for tables in memory only, it may change. */
export function hashKey(key: Int32Array, at = 0): number {
  let h = 0;
  for (let w = 0; w < KEY_WORDS; w++) h = Math.imul(h ^ key[at + w]!, 0x85ebca6b) ^ (h >>> 15);
  return mixHash(h);
}

/** Hash of a protocol and a port: where sockets without a remote end are found. */
export function hashPort(protocol: number, port: number): number {
  return mixHash((protocol << 16) | port);
}

/** Finalizer of MurmurHash3: every input bit reaches the low bits that pick a bucket. */
export function mixHash(h: number): number {
  let x = h ^ (h >>> 16);
  x = Math.imul(x, 0x85ebca6b);
  x ^= x >>> 13;
  x = Math.imul(x, 0xc2b2ae35);
  return x ^ (x >>> 16);
}
