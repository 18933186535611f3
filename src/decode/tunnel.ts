/** Tunnels: IP, frames or PPP inside an IP packet. With them a row is about the innermost packet that can be read. */
import { DecodeStatus } from '../core/decoded.ts';
import { LinkType } from '../core/packet.ts';
import { KEY_WORDS, keyFirstPort, keyProtocol, keySecondPort, Protocol } from '../core/tuple.ts';
import { skipGre } from './gre.ts';
import { EtherType, fixedPrefix, type Layer, linkLayer, Stop } from './layer.ts';
import { decodeLayers } from './layers.ts';
import { skipMpls } from './mpls.ts';
import { UDP_TUNNELS } from './udp-tunnels.ts';
import type { Work } from './work.ts';

/** No network nests deeper; a packet made of tunnels alone is left at this depth. */
const MAX_DEPTH = 8;

const UDP_HEADER = 8; // octets
const ETHER_IP = 2; // octets: version 3, reserved, RFC 3378

/** By protocol number. */
const IP_TUNNELS: ReadonlyMap<number, Layer> = new Map<number, Layer>([
  [4, fixedPrefix(0, EtherType.Ipv4)], // IPIP, RFC 2003
  [41, fixedPrefix(0, EtherType.Ipv6)], // 6in4, RFC 4213
  [Protocol.Gre, skipGre],
  [97, fixedPrefix(ETHER_IP, linkLayer(LinkType.Ethernet))],
  [137, skipMpls], // RFC 4023
  [143, fixedPrefix(0, linkLayer(LinkType.Ethernet))], // of segment routing, RFC 8986 section 4.9
]);

/** @param end octet behind what was captured of packet `i`, whose row says what its outermost IP header holds */
export function decapsulate(work: Work, i: number, end: number): void {
  const { transportAt, ipAt, ipBytes } = work.out;
  for (let depth = 0; depth < MAX_DEPTH && transportAt[i] !== 0; depth++) {
    const ipEnd = ipAt[i]! + ipBytes[i]!;
    const innerEnd = Math.min(end, ipEnd);
    const next = skipTunnel(work, i, transportAt[i]!, innerEnd);
    work.frameEnd = ipEnd;
    // A row is written only once a header was found good, so what is no tunnel leaves the outer packet in it.
    if (decodeLayers(work, i, next, innerEnd) !== DecodeStatus.Ok) return;
  }
}

function skipTunnel(work: Work, i: number, at: number, end: number): number {
  const { key } = work.out;
  const protocol = keyProtocol(key, i * KEY_WORDS);
  if (protocol !== Protocol.Udp) return IP_TUNNELS.get(protocol)?.(work, at, end) ?? Stop.NotIp;
  const layer = UDP_TUNNELS.get(keySecondPort(key, i * KEY_WORDS)) ?? UDP_TUNNELS.get(keyFirstPort(key, i * KEY_WORDS));
  return layer?.(work, at + UDP_HEADER, end) ?? Stop.NotIp;
}
