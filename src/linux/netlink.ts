/**
 * Netlink messages and attributes, netlink(7), include/uapi/linux/netlink.h. Bytes in, positions out: the cursors
 * are reused, so walking a buffer allocates nothing. Header and attributes are in host byte order.
 */
import { host16, host32, host32s, putHost16, putHost32 } from './byte-order.ts';

export const NLM_F_REQUEST = 1;
export const NLM_F_DUMP = 0x300; // ROOT | MATCH
const NLM_F_DUMP_INTR = 0x10; // the dump is not a consistent snapshot

export const NLMSG_ERROR = 2;
export const NLMSG_DONE = 3;

export const MESSAGE_HEADER = 16; // octets: length u32, type u16, flags u16, sequence u32, port id u32
const ATTRIBUTE_HEADER = 4; // octets: length u16, type u16
const TYPE_MASK = 0x3fff; // without NLA_F_NESTED and NLA_F_NET_BYTEORDER

const align4 = (n: number): number => (n + 3) & ~3;

/** Position in a buffer of messages. Begin with `next` at the first header. */
export interface MessageCursor {
  next: number; // octet offset of the header to read
  type: number;
  flags: number;
  sequence: number;
  payload: number; // first octet after the header
  end: number; // first octet after this message, at most the length of the buffer's content
  malformed: boolean; // the rest of the buffer is no message
}

export function createMessageCursor(): MessageCursor {
  return { next: 0, type: 0, flags: 0, sequence: 0, payload: 0, end: 0, malformed: false };
}

/**
 * Steps to the next message of `b[0..length)`.
 *
 * @returns false at the end, and at a length that is too small or reaches past the content (then `malformed`)
 */
export function nextMessage(b: Uint8Array, length: number, cursor: MessageCursor): boolean {
  const at = cursor.next;
  if (at >= length) return false;
  const size = length - at >= MESSAGE_HEADER ? host32(b, at) : 0;
  if (size < MESSAGE_HEADER || size > length - at) {
    cursor.malformed = true;
    return false;
  }
  cursor.type = host16(b, at + 4);
  cursor.flags = host16(b, at + 6);
  cursor.sequence = host32(b, at + 8);
  cursor.payload = at + MESSAGE_HEADER;
  cursor.end = at + size;
  cursor.next = at + align4(size);
  return true;
}

export const isInterrupted = (cursor: MessageCursor): boolean => (cursor.flags & NLM_F_DUMP_INTR) !== 0;

/** @returns 0 or -errno of an NLMSG_ERROR or NLMSG_DONE message; 0 where it has none */
export function messageErrno(b: Uint8Array, cursor: MessageCursor): number {
  return cursor.end - cursor.payload >= 4 ? host32s(b, cursor.payload) : 0;
}

/** Position among attributes. */
export interface AttributeCursor {
  next: number;
  type: number;
  payload: number;
  length: number; // octets of the payload
}

export function createAttributeCursor(next = 0): AttributeCursor {
  return { next, type: 0, payload: 0, length: 0 };
}

/** Steps to the next attribute before `end`; false at the end and at a length that does not fit. */
export function nextAttribute(b: Uint8Array, end: number, cursor: AttributeCursor): boolean {
  const at = cursor.next;
  if (end - at < ATTRIBUTE_HEADER) return false;
  const size = host16(b, at);
  if (size < ATTRIBUTE_HEADER || size > end - at) return false;
  cursor.type = host16(b, at + 2) & TYPE_MASK;
  cursor.payload = at + ATTRIBUTE_HEADER;
  cursor.length = size - ATTRIBUTE_HEADER;
  cursor.next = at + align4(size);
  return true;
}

/** Writes the header of a request of `length` octets, header included, at the start of `b`. */
export function putMessageHeader(b: Uint8Array, length: number, type: number, flags: number, sequence: number): void {
  putHost32(b, 0, length);
  putHost16(b, 4, type);
  putHost16(b, 6, flags);
  putHost32(b, 8, sequence);
  putHost32(b, 12, 0); // the kernel puts the sender's port id
}
