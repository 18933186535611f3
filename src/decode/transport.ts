/** Ports: TCP RFC 9293 section 3.1, UDP RFC 768, UDP-Lite RFC 3828, DCCP RFC 4340, SCTP RFC 9260 section 3.1; ICMP in icmp.ts. */
import { K_META, K_PORTS, KEY_WORDS, Protocol } from '../core/tuple.ts';
import { decodeIcmp, decodeIcmp6 } from './icmp.ts';
import type { Work } from './work.ts';

const PORTS = 4; // octets: source port, destination port
const TCP_SEQUENCE = 4; // octets from the header start
const TCP_FLAGS = 13;

/** Fills ports, flags and sequence number of row `i` as far as they were captured, the rest with 0. */
export function decodeTransport(work: Work, i: number, protocol: number, at: number, end: number): void {
  if (protocol === Protocol.Tcp && end - at > TCP_FLAGS) {
    const { view, out } = work;
    out.transportAt[i] = at;
    out.key[i * KEY_WORDS + K_PORTS] = view.getInt32(at);
    out.tcpSeq[i] = view.getUint32(at + TCP_SEQUENCE);
    out.tcpFlags[i] = view.getUint8(at + TCP_FLAGS);
    return;
  }
  skipTransport(work, i);
  if (at < end) work.out.transportAt[i] = at;
  switch (protocol) {
    case Protocol.Tcp:
      if (end - at >= TCP_SEQUENCE + 4) work.out.tcpSeq[i] = work.view.getUint32(at + TCP_SEQUENCE);
      decodePorts(work, i, at, end);
      break;
    case Protocol.Udp:
    case Protocol.UdpLite:
    case Protocol.Sctp:
    case Protocol.Dccp:
      decodePorts(work, i, at, end);
      break;
    case Protocol.Icmp:
      decodeIcmp(work, i, at, end);
      break;
    case Protocol.Icmp6:
      decodeIcmp6(work, i, at, end);
      break;
    case Protocol.Ah:
      decodeAuthenticated(work, i, at, end);
      break;
  }
}

/** For a packet whose transport header cannot be found. */
export function skipTransport(work: Work, i: number): void {
  const { out } = work;
  out.key[i * KEY_WORDS + K_PORTS] = 0;
  out.transportAt[i] = 0;
  out.tcpSeq[i] = 0;
  out.tcpFlags[i] = 0;
}

const MIN_AUTHENTICATION = 12; // octets

/** What an authentication header of IPv4 stands before, RFC 4302 section 2.2: the socket's protocol, not the network's. */
function decodeAuthenticated(work: Work, i: number, start: number, end: number): void {
  const { view, out } = work;
  let at = start;
  let protocol: number = Protocol.Ah;
  while (protocol === Protocol.Ah && end - at >= MIN_AUTHENTICATION) {
    protocol = view.getUint8(at);
    at += (view.getUint8(at + 1) + 2) << 2;
  }
  if (protocol === Protocol.Ah) return; // cut off
  out.key[i * KEY_WORDS + K_META] = (out.key[i * KEY_WORDS + K_META]! & ~0xff) | protocol;
  decodeTransport(work, i, protocol, at, end);
}

function decodePorts(work: Work, i: number, at: number, end: number): void {
  if (end - at >= PORTS) work.out.key[i * KEY_WORDS + K_PORTS] = work.view.getInt32(at);
}
