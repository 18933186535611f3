/**
 * Integers at an octet offset. Addresses and ports are in network order; netlink headers, and the words
 * that /proc/net prints, are in the byte order of the host (netlink(7), net/ipv4/tcp_ipv4.c get_tcp4_sock()).
 */

/** Whether this host stores the least significant octet first. */
export const LITTLE_ENDIAN: boolean = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1;

/** Network order, unsigned. */
export const be16 = (b: Uint8Array, at: number): number => (b[at]! << 8) | b[at + 1]!;

/** Network order, as the signed word that keys and addresses hold. */
export const be32 = (b: Uint8Array, at: number): number =>
  (b[at]! << 24) | (b[at + 1]! << 16) | (b[at + 2]! << 8) | b[at + 3]!;

const le32 = (b: Uint8Array, at: number): number =>
  b[at]! | (b[at + 1]! << 8) | (b[at + 2]! << 16) | (b[at + 3]! << 24);

/** Host order, unsigned. */
export const host16 = (b: Uint8Array, at: number): number => (LITTLE_ENDIAN ? b[at]! | (b[at + 1]! << 8) : be16(b, at));

/** Host order, signed. */
export const host32s = (b: Uint8Array, at: number): number => (LITTLE_ENDIAN ? le32(b, at) : be32(b, at));

/** Host order, unsigned. */
export const host32 = (b: Uint8Array, at: number): number => host32s(b, at) >>> 0;

/** Host order, unsigned; exact below 2^53, and counters stay below that. */
export const host64 = (b: Uint8Array, at: number): number =>
  LITTLE_ENDIAN ? host32(b, at + 4) * 2 ** 32 + host32(b, at) : host32(b, at) * 2 ** 32 + host32(b, at + 4);

export function putBe16(b: Uint8Array, at: number, value: number): void {
  b[at] = value >>> 8;
  b[at + 1] = value;
}

export function putBe32(b: Uint8Array, at: number, value: number): void {
  putBe16(b, at, value >>> 16);
  putBe16(b, at + 2, value);
}

export function putHost16(b: Uint8Array, at: number, value: number): void {
  b[at] = LITTLE_ENDIAN ? value : value >>> 8;
  b[at + 1] = LITTLE_ENDIAN ? value >>> 8 : value;
}

export function putHost32(b: Uint8Array, at: number, value: number): void {
  putHost16(b, at, LITTLE_ENDIAN ? value : value >>> 16);
  putHost16(b, at + 2, LITTLE_ENDIAN ? value >>> 16 : value);
}

/** The same word with its octets in the opposite order. */
export const swap32 = (word: number): number =>
  (word << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24);
