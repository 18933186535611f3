/** The ClientHello in the first packets of QUIC: RFC 9000 sections 17.2.2 and 19.6, RFC 9369. */
import { Octets } from './octets.ts';
import { openInitial, QUIC_VERSIONS } from './quic-keys.ts';
import type { Say } from './say.ts';
import { readClientHello } from './tls.ts';

const LONG_HEADER = 0xc0; // with the bit that is always set
const PACKET_TYPE = 0x30;
const MAX_CONNECTION_ID = 20; // octets
const MAX_PACKETS = 4; // of one datagram

const PADDING = 0x00; // types of frames
const PING = 0x01;
const ACK = 0x02;
const ACK_WITH_ECN = 0x03;
const CRYPTO = 0x06;
const MAX_RANGES = 256; // of an acknowledgment

const VERSION_AT = 1; // octets from the start of a packet
const MIN_DATAGRAM = 1200; // octets: a client pads its first packets to them, RFC 9000 section 14.1

/** Whether a datagram may begin with a client's Initial packet of a version that can be read. */
export function isQuicStart(view: DataView, at: number, end: number): boolean {
  if (end - at < MIN_DATAGRAM || (view.getUint8(at) & LONG_HEADER) !== LONG_HEADER) return false;
  const version = QUIC_VERSIONS.get(view.getUint32(at + VERSION_AT));
  return version !== undefined && (view.getUint8(at) & PACKET_TYPE) === version.initialType;
}

/** Takes a part of a ClientHello and its place in it. `connection` tells it from others on the same ports. */
type OnCrypto = (connection: number, offset: number, data: Uint8Array) => void;

/** Hands on what a client's datagram holds of a ClientHello. */
export function readQuic(datagram: Uint8Array, onCrypto: OnCrypto): void {
  const octets = new Octets(datagram);
  for (let packet = 0; packet < MAX_PACKETS && octets.left > 0; packet++) {
    const initial = readInitial(octets);
    if (initial === undefined) return;
    readFrames(new Octets(initial.frames), (offset, data) => onCrypto(initial.connection, offset, data));
  }
}

/** A StreamParser of what readQuic() hands on. */
export function readQuicHello(stream: Uint8Array, say: Say): boolean {
  return readClientHello(stream, (name) => say.flow('quic', name));
}

/** @returns the frames of the packet at `octets.at`, after which it then stands, or undefined when it is another */
function readInitial(octets: Octets): { readonly frames: Uint8Array; readonly connection: number } | undefined {
  const start = octets.at;
  const first = octets.u8();
  const version = QUIC_VERSIONS.get(octets.u32());
  if ((first & LONG_HEADER) !== LONG_HEADER || version === undefined) return undefined;
  if ((first & PACKET_TYPE) !== version.initialType) return undefined;
  const connectionOctets = octets.u8();
  if (connectionOctets > MAX_CONNECTION_ID) return undefined;
  const connection = octets.take(connectionOctets);
  octets.skip(octets.u8()); // the client's own connection id
  octets.skip(octets.varint()); // token
  const length = octets.varint();
  const numberAt = octets.at - start;
  octets.skip(length);
  if (octets.isShort) return undefined;
  const frames = openInitial(version, octets.bytes.subarray(start, octets.at), connection, numberAt);
  return frames === undefined ? undefined : { frames, connection: hashOctets(connection) };
}

/** FNV-1a. */
function hashOctets(bytes: Uint8Array): number {
  return bytes.reduce((hash, octet) => Math.imul(hash ^ octet, 0x01000193), 0x811c9dc5 | 0);
}

function readFrames(frames: Octets, onCrypto: (offset: number, data: Uint8Array) => void): void {
  while (frames.left > 0) {
    const type = frames.u8();
    if (type === PADDING || type === PING) continue;
    if (type === ACK || type === ACK_WITH_ECN) skipAck(frames, type);
    else if (type === CRYPTO) {
      const offset = frames.varint();
      const data = frames.take(frames.varint());
      if (!frames.isShort) onCrypto(offset, data);
    } else return; // no other frame comes before a ClientHello
  }
}

function skipAck(frames: Octets, type: number): void {
  frames.varint(); // largest
  frames.varint(); // delay
  const ranges = frames.varint();
  frames.varint(); // first range
  for (let r = 0; r < Math.min(ranges, MAX_RANGES); r++) {
    frames.varint();
    frames.varint();
  }
  if (type === ACK_WITH_ECN) for (let counter = 0; counter < 3; counter++) frames.varint();
}
