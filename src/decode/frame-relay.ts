/** Frame relay, RFC 2427 section 3: an address of two to four octets, control, and a network layer protocol identifier. */
import { LinkType } from '../core/packet.ts';
import { EtherType, linkLayer, Next, Stop } from './layer.ts';
import type { Work } from './work.ts';

const MAX_ADDRESS = 4; // octets; the last one is odd
const UNNUMBERED = 0x03;
const PADDING = 0x00;
const NLPID: ReadonlyMap<number, number> = new Map([
  [0x80, Next.Snap],
  [0x8e, EtherType.Ipv6],
  [0xcc, EtherType.Ipv4],
  [0xcf, linkLayer(LinkType.Ppp)],
]);

export function skipFrameRelay(work: Work, start: number, end: number): number {
  const { view } = work;
  let at = start;
  do {
    if (at >= end) return Stop.Truncated;
    if (at - start === MAX_ADDRESS) return Stop.Malformed;
  } while ((view.getUint8(at++) & 1) === 0);
  if (end - at < 2) return Stop.Truncated;
  if (view.getUint8(at) !== UNNUMBERED) {
    work.at = at + 2;
    return view.getUint16(at); // Cisco: an EtherType at once
  }
  at++;
  if (view.getUint8(at) === PADDING) at++;
  if (at >= end) return Stop.Truncated;
  work.at = at + 1;
  return NLPID.get(view.getUint8(at)) ?? Stop.NotIp;
}
