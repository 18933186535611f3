/** MPLS label stack, RFC 3032 section 2.1, and what its last label does not say: RFC 4928 section 3, RFC 4448. */
import { LinkType } from '../core/packet.ts';
import { EtherType, linkLayer, Stop } from './layer.ts';
import type { Work } from './work.ts';

const LABEL = 4; // octets
const BOTTOM = 0x100; // of a label as a word
const ASSOCIATED_CHANNEL = 13; // label of operation and maintenance, RFC 5586
const CONTROL_WORD = 4; // octets before a frame on a pseudowire, the first four bits are 0

const ETHERNET_TYPE = 12; // octets from the start of a frame
const IN_FRAMES: readonly number[] = [
  EtherType.Ipv4,
  EtherType.Ipv6,
  EtherType.Vlan,
  EtherType.QinQ,
  EtherType.Mpls,
  EtherType.PppoeSession,
];

export function skipMpls(work: Work, start: number, end: number): number {
  const { view } = work;
  let at = start;
  let label = 0;
  do {
    if (end - at < LABEL) return Stop.Truncated;
    label = view.getUint32(at);
    at += LABEL;
  } while ((label & BOTTOM) === 0);
  if (label >>> 12 === ASSOCIATED_CHANNEL) return Stop.NotIp;
  if (end - at < 1) return Stop.Truncated;
  work.at = at;
  const version = view.getUint8(at) >> 4;
  if (version === 4) return EtherType.Ipv4;
  if (version === 6) return EtherType.Ipv6;
  if (version === 0 && isFrame(work, at + CONTROL_WORD, end)) work.at = at + CONTROL_WORD;
  else if (!isFrame(work, at, end)) return Stop.NotIp;
  return linkLayer(LinkType.Ethernet);
}

/** Nothing announces a frame; an EtherType at its place that leads to IP is the evidence. */
function isFrame(work: Work, at: number, end: number): boolean {
  return end - at >= ETHERNET_TYPE + 2 && IN_FRAMES.includes(work.view.getUint16(at + ETHERNET_TYPE));
}
