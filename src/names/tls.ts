/** The name that a client asks a server for, RFC 6066 section 3, in the first message of TLS, RFC 8446 section 4.1.2. */
import { hostName } from './host-name.ts';
import { Octets } from './octets.ts';
import type { Say } from './say.ts';

export const TLS_START = 22; // first octet of a stream: the type of a record that holds a handshake
const MAJOR_VERSION = 3;
const MAX_RECORD = 16_384 + 256; // octets

const CLIENT_HELLO = 1; // type of a handshake message
const RANDOM = 32; // octets
const SERVER_NAME = 0; // type of an extension
const HOST_NAME = 0; // type of a server name

/** Whether a stream that begins so may be one of TLS. */
export function isTlsStart(first: number, second: number): boolean {
  return first === TLS_START && second === MAJOR_VERSION;
}

/** A StreamParser: takes the first message out of the records it may be spread over. */
export function readTls(stream: Uint8Array, say: Say): boolean {
  const octets = new Octets(stream);
  const message = new Uint8Array(stream.length);
  let have = 0;
  while (octets.left > 0) {
    const isHandshake = octets.u8() === TLS_START && octets.u8() === MAJOR_VERSION;
    octets.skip(1);
    const length = octets.u16();
    if (octets.isShort) break;
    if (!isHandshake || length === 0 || length > MAX_RECORD) return false;
    const part = octets.take(Math.min(length, octets.left));
    message.set(part, have);
    have += part.length;
  }
  return readClientHello(message.subarray(0, have), (name) => say.flow('sni', name));
}

/**
 * Finds the name in a ClientHello, as soon as it is there.
 *
 * @returns whether more octets could tell more
 */
export function readClientHello(message: Uint8Array, onName: (name: string) => void): boolean {
  const octets = new Octets(message);
  if (octets.u8() !== CLIENT_HELLO) return octets.isShort;
  const length = octets.u24();
  const isCut = octets.isShort || octets.left < length;
  const hello = new Octets(message.subarray(octets.at, octets.at + length));
  hello.skip(2 + RANDOM); // version
  hello.skip(hello.u8()); // session
  hello.skip(hello.u16()); // cipher suites
  hello.skip(hello.u8()); // compression
  hello.u16(); // octets of extensions
  while (hello.left > 0) {
    const type = hello.u16();
    const body = hello.take(hello.u16());
    if (hello.isShort) break;
    if (type !== SERVER_NAME) continue;
    const name = firstHostName(body);
    if (name !== undefined) onName(name);
    return false;
  }
  return isCut;
}

function firstHostName(extension: Uint8Array): string | undefined {
  const list = new Octets(extension);
  list.u16(); // octets of the list
  while (list.left > 0) {
    const type = list.u8();
    const name = list.take(list.u16());
    if (list.isShort) return undefined;
    if (type === HOST_NAME) return hostName(name);
  }
  return undefined;
}
