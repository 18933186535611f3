/** Pseudo headers of the BSDs, of Darwin and of Solaris: an address family, and IP behind it. */
import { LinkType } from '../core/packet.ts';
import { EtherType, linkLayer, Stop } from './layer.ts';
import type { Work } from './work.ts';

const AF_INET = 2;

function ipOfFamily(family: number): number {
  switch (family) {
    case AF_INET:
      return EtherType.Ipv4;
    case 10: // AF_INET6 of Linux
    case 24: // NetBSD, OpenBSD
    case 26: // Solaris
    case 28: // FreeBSD
    case 30: // Darwin
      return EtherType.Ipv6;
    default:
      return Stop.NotIp;
  }
}

/** A word in the byte order of whoever captured: no family is above 255. */
function familyAt(work: Work, at: number): number {
  const word = work.view.getUint32(at);
  return (word & 0xffffff) === 0 ? word >>> 24 : word;
}

const NULL_HEADER = 4; // octets

/** LINKTYPE_NULL in the byte order of the machine that captured, LINKTYPE_LOOP in that of the network. */
export function skipNull(work: Work, at: number, end: number): number {
  if (end - at < NULL_HEADER) return Stop.Truncated;
  work.at = at + NULL_HEADER;
  return ipOfFamily(familyAt(work, at));
}

const ENC_HEADER = 12; // octets: family, security parameters index, flags

/** LINKTYPE_ENC: packets of OpenBSD's IPsec, decrypted. */
export function skipEnc(work: Work, at: number, end: number): number {
  if (end - at < ENC_HEADER) return Stop.Truncated;
  work.at = at + ENC_HEADER;
  return ipOfFamily(familyAt(work, at));
}

const MIN_PFLOG = 4; // octets: length, family, action, reason; the rest differs between systems

/** LINKTYPE_PFLOG; the length leaves padding to four octets out. */
export function skipPflog(work: Work, at: number, end: number): number {
  if (end - at < MIN_PFLOG) return Stop.Truncated;
  const length = (work.view.getUint8(at) + 3) & ~3;
  if (length < MIN_PFLOG) return Stop.Malformed;
  if (end - at < length) return Stop.Truncated;
  work.at = at + length;
  return ipOfFamily(work.view.getUint8(at + 1));
}

const PKTAP = 12; // octets that are read: length, kind, link type; interface and process follow
const KIND = 4; // octets from the header start
const NO_PACKET = 0;
const LINK_TYPE = 8;

/** LINKTYPE_PKTAP of Darwin, always little-endian in files: bsd/net/pktap.h of XNU. */
export function skipPktap(work: Work, at: number, end: number): number {
  const { view } = work;
  if (end - at < PKTAP) return Stop.Truncated;
  const length = view.getUint32(at, true);
  if (length < PKTAP) return Stop.Malformed;
  if (end - at < length) return Stop.Truncated;
  if (view.getUint32(at + KIND, true) === NO_PACKET) return Stop.NotIp;
  work.at = at + length;
  const linkType = view.getUint32(at + LINK_TYPE, true);
  return linkType <= 0xffff ? linkLayer(linkType) : Stop.Malformed;
}

const PKTAP_WHOLE = 108; // octets of Apple's first version, and at least of every later one
const PACKET = 1; // kind

/** LINKTYPE_USER2: what older systems of Apple wrote before PKTAP had a number. Whatever else it is cannot be known. */
export function skipUser2(work: Work, at: number, end: number): number {
  const { view } = work;
  const isPktap =
    end - at >= PKTAP_WHOLE &&
    view.getUint32(at, true) >= PKTAP_WHOLE &&
    view.getUint32(at + KIND, true) === PACKET &&
    view.getUint32(at + LINK_TYPE, true) <= 0xffff;
  if (isPktap) return skipPktap(work, at, end);
  work.unsupported = LinkType.User2;
  return Stop.Unsupported;
}

const IPNET = 24; // octets: version, family, hook, length, interfaces, zones

/** LINKTYPE_IPNET of Solaris. */
export function skipIpnet(work: Work, at: number, end: number): number {
  if (end - at < IPNET) return Stop.Truncated;
  work.at = at + IPNET;
  return ipOfFamily(work.view.getUint8(at + 1));
}
