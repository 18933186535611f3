/** What a packet looks like wherever on its way it is seen: the octets that forwarding leaves as they are. */
import type { DecodedBatch } from '../core/decoded.ts';
import type { PacketBatch } from '../core/packet.ts';
import { KEY_WORDS, keyIpVersion, keyProtocol, Protocol } from '../core/tuple.ts';

const IPV4_IDENTIFICATION = 4; // octets from the header start
const IPV6_HEADER = 40; // octets
const LOOK = 64; // octets of the payload

/**
 * 32-bit hash of packet `i`: length, IPv4 identification and the first octets behind the transport checksum, which one
 * interface may leave to the hardware and the next one not. Ports and addresses are left out: translation changes them.
 */
export function fingerprint(batch: PacketBatch, decoded: DecodedBatch, i: number): number {
  const { bytes } = batch;
  const { key, ipAt, ipBytes } = decoded;
  const at = ipAt[i]!;
  const isIpv4 = keyIpVersion(key, i * KEY_WORDS) === 4;
  const header = isIpv4 ? (bytes[at]! & 0x0f) << 2 : IPV6_HEADER;
  const from = at + header + checksumEnd(keyProtocol(key, i * KEY_WORDS));
  const end = Math.min(batch.offset[i]! + batch.capLen[i]!, at + ipBytes[i]!, from + LOOK);
  let h = ipBytes[i]!;
  if (isIpv4) h ^= ((bytes[at + IPV4_IDENTIFICATION]! << 8) | bytes[at + IPV4_IDENTIFICATION + 1]!) << 16;
  for (let o = from; o < end; o++) h = Math.imul(h ^ bytes[o]!, 0x01000193);
  return h | 0;
}

/** Octets of the transport header up to the end of its checksum. */
function checksumEnd(protocol: number): number {
  switch (protocol) {
    case Protocol.Udp:
    case Protocol.UdpLite:
      return 8;
    case Protocol.Icmp:
    case Protocol.Icmp6:
      return 4;
    case Protocol.Sctp:
      return 12;
    default:
      return 0;
  }
}
