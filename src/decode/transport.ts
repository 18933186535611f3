/** Ports: TCP RFC 9293 section 3.1, UDP RFC 768, UDP-Lite RFC 3828, SCTP RFC 9260 section 3.1; ICMP in icmp.ts. */
import { K_PORTS, KEY_WORDS, Protocol } from '../core/tuple.ts';
import { decodeIcmp, decodeIcmp6 } from './icmp.ts';
import type { Work } from './work.ts';

const PORTS = 4; // octets: source port, destination port
const TCP_SEQUENCE = 4; // octets from the header start
const TCP_FLAGS = 13;

/** Fills ports, flags and sequence number as far as they were captured. Row `i` has ports 0 so far. */
export function decodeTransport(work: Work, i: number, protocol: number, at: number, end: number): void {
  switch (protocol) {
    case Protocol.Tcp:
      decodeTcp(work, i, at, end);
      break;
    case Protocol.Udp:
    case Protocol.UdpLite:
    case Protocol.Sctp:
      if (end - at >= PORTS) work.out.key[i * KEY_WORDS + K_PORTS] = work.view.getInt32(at);
      break;
    case Protocol.Icmp:
      decodeIcmp(work, i, at, end);
      break;
    case Protocol.Icmp6:
      decodeIcmp6(work, i, at, end);
  }
}

function decodeTcp(work: Work, i: number, at: number, end: number): void {
  const view = work.view;
  const out = work.out;
  if (end - at < PORTS) return;
  out.key[i * KEY_WORDS + K_PORTS] = view.getInt32(at);
  if (end - at < TCP_SEQUENCE + 4) return;
  out.tcpSeq[i] = view.getUint32(at + TCP_SEQUENCE);
  if (end - at > TCP_FLAGS) out.tcpFlags[i] = view.getUint8(at + TCP_FLAGS);
}
