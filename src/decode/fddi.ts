/** Rings: Token Ring, IEEE 802.5, and FDDI, RFC 1390. Both lead to LLC. */
import { Next, Stop } from './layer.ts';
import type { Work } from './work.ts';

const TOKEN_RING = 14; // octets: access control, frame control, both addresses
const FRAME_CONTROL = 1;
const FRAME_KIND = 0xc0;
const LLC_FRAME = 0x40;
const SRC = 8;
const SOURCE_ROUTED = 0x80; // of the first octet of the source
const ROUTING_LENGTH = 0x1f; // of the first octet of the routing field, octets

export function skipTokenRing(work: Work, at: number, end: number): number {
  const { view } = work;
  if (end - at < TOKEN_RING) return Stop.Truncated;
  if ((view.getUint8(at + FRAME_CONTROL) & FRAME_KIND) !== LLC_FRAME) return Stop.NotIp;
  work.at = at + TOKEN_RING;
  if ((view.getUint8(at + SRC) & SOURCE_ROUTED) === 0) return Next.Llc;
  if (end - work.at < 1) return Stop.Truncated;
  work.at += view.getUint8(work.at) & ROUTING_LENGTH;
  return Next.Llc;
}

const FDDI = 13; // octets: frame control, both addresses
const FDDI_KIND = 0xf0;
const FDDI_LLC = 0x50; // asynchronous

export function skipFddi(work: Work, at: number, end: number): number {
  if (end - at < FDDI) return Stop.Truncated;
  if ((work.view.getUint8(at) & FDDI_KIND) !== FDDI_LLC) return Stop.NotIp;
  work.at = at + FDDI;
  return Next.Llc;
}
