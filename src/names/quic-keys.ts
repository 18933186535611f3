/** Protection of QUIC's first packets, RFC 9001 section 5: everybody who sees a packet can open it. */
import { createCipheriv, createDecipheriv, createHmac } from 'node:crypto';

const TAG = 16; // octets
const MAX_NUMBER = 4; // octets of a packet number

/** What differs between versions. */
export interface QuicVersion {
  readonly salt: Uint8Array;
  readonly label: string; // prefix of the names of keys
  readonly initialType: number; // bits 0x30 of the first octet
}

const hex = (text: string): Uint8Array => Uint8Array.from(text.match(/../g)!, (octet) => Number.parseInt(octet, 16));

/** By version number: RFC 9001 section 5.2, RFC 9369 section 3. */
export const QUIC_VERSIONS: ReadonlyMap<number, QuicVersion> = new Map([
  [1, { salt: hex('38762cf7f55934b34d179ae6a4c80cadccbb7f0a'), label: 'quic', initialType: 0x00 }],
  [0x6b3343cf, { salt: hex('0dede3def700a6db819381be6e269dcbf9bd2ed9'), label: 'quicv2', initialType: 0x10 }],
]);

const hmac = (key: Uint8Array, ...data: readonly Uint8Array[]): Uint8Array => {
  const hash = createHmac('sha256', key);
  for (const part of data) hash.update(part);
  return hash.digest();
};

/** HKDF-Expand-Label of RFC 8446 section 7.1, for at most 32 octets. */
function expand(secret: Uint8Array, label: string, octets: number): Uint8Array {
  const name = new TextEncoder().encode(`tls13 ${label}`);
  return hmac(secret, Uint8Array.of(0, octets, name.length), name, Uint8Array.of(0, 1)).subarray(0, octets);
}

/**
 * Opens a client's Initial packet.
 *
 * @param packet from its first octet to its last
 * @param connection the destination connection id of the client's first packet
 * @param numberAt where the packet number is, from the first octet
 * @returns its frames, or undefined when it is not what it says or was changed on its way
 */
export function openInitial(
  version: QuicVersion,
  packet: Uint8Array,
  connection: Uint8Array,
  numberAt: number,
): Uint8Array | undefined {
  if (packet.length < numberAt + MAX_NUMBER + TAG) return undefined;
  const secret = expand(hmac(version.salt, connection), 'client in', 32);
  const { label } = version;
  const mask = headerMask(expand(secret, `${label} hp`, 16), packet.subarray(numberAt + MAX_NUMBER).subarray(0, TAG));
  const numberOctets = ((packet[0]! ^ mask[0]!) & 0x03) + 1;
  const header = packet.slice(0, numberAt + numberOctets);
  header[0]! ^= mask[0]! & 0x0f;
  const nonce = Uint8Array.from(expand(secret, `${label} iv`, 12));
  for (let n = 0; n < numberOctets; n++) {
    header[numberAt + n]! ^= mask[1 + n]!;
    nonce[nonce.length - numberOctets + n]! ^= header[numberAt + n]!;
  }
  if (packet.length < header.length + TAG) return undefined;
  const cipher = createDecipheriv('aes-128-gcm', expand(secret, `${label} key`, 16), nonce);
  cipher.setAAD(header);
  cipher.setAuthTag(packet.subarray(packet.length - TAG));
  const frames = cipher.update(packet.subarray(header.length, packet.length - TAG));
  try {
    cipher.final();
    return frames;
  } catch {
    return undefined; // the tag is wrong
  }
}

function headerMask(key: Uint8Array, sample: Uint8Array): Uint8Array {
  return createCipheriv('aes-128-ecb', key, null).update(sample);
}
