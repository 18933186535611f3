/** PPP and its relatives: RFC 1661, HDLC framing RFC 1662, PPPoE RFC 2516, bridging RFC 3518, Cisco HDLC. */
import { LinkType } from '../core/packet.ts';
import { EtherType, linkLayer, Stop } from './layer.ts';
import type { Work } from './work.ts';

const HDLC_ADDRESS = 0xff03; // all stations, unnumbered information

const IPV4 = 0x0021; // numbers of the protocol field
const BRIDGING = 0x0031;
const IPV6 = 0x0057;
const MPLS = 0x0281;
const MPLS_MULTICAST = 0x0283;

/** With or without HDLC address, and with a protocol field of one or two octets. */
export function skipPpp(work: Work, start: number, end: number): number {
  const { view } = work;
  let at = start;
  if (end - at >= 2 && view.getUint16(at) === HDLC_ADDRESS) at += 2;
  if (end - at < 2) return Stop.Truncated;
  const compressed = (view.getUint8(at) & 1) === 1; // only the last octet is odd
  const protocol = compressed ? view.getUint8(at) : view.getUint16(at);
  work.at = at + (compressed ? 1 : 2);
  switch (protocol) {
    case IPV4:
      return EtherType.Ipv4;
    case IPV6:
      return EtherType.Ipv6;
    case MPLS:
    case MPLS_MULTICAST:
      return EtherType.Mpls;
    case BRIDGING:
      return skipBridging(work, work.at, end);
    default:
      return Stop.NotIp;
  }
}

const BRIDGE_HEADER = 2; // octets: flags, then what kind of frame; a LAN identifier when the flags say so
const HAS_LAN = 0x40;
const LAN = 4; // octets
const ETHERNET_FRAME = 1;

function skipBridging(work: Work, at: number, end: number): number {
  if (end - at < BRIDGE_HEADER) return Stop.Truncated;
  if (work.view.getUint8(at + 1) !== ETHERNET_FRAME) return Stop.NotIp;
  work.at = at + BRIDGE_HEADER + ((work.view.getUint8(at) & HAS_LAN) === 0 ? 0 : LAN);
  return linkLayer(LinkType.Ethernet);
}

const PPPOE = 6; // octets: version and type, code, session, length

/** Session data; discovery has another code and is not IP. */
export function skipPppoe(work: Work, at: number, end: number): number {
  if (end - at < PPPOE) return Stop.Truncated;
  if (work.view.getUint16(at) !== 0x1100) return Stop.NotIp; // version 1, type 1, session data
  work.at = at + PPPOE;
  return linkLayer(LinkType.Ppp);
}

const CISCO_HEADER = 4; // octets: address, control, EtherType
const UNICAST = 0x0f;
const BROADCAST = 0x8f;

/** LINKTYPE_PPP_HDLC: PPP, or Cisco HDLC that calls itself so. */
export function skipHdlc(work: Work, at: number, end: number): number {
  if (end - at < 1) return Stop.Truncated;
  const address = work.view.getUint8(at);
  return address === UNICAST || address === BROADCAST ? skipCiscoHdlc(work, at, end) : skipPpp(work, at, end);
}

export function skipCiscoHdlc(work: Work, at: number, end: number): number {
  if (end - at < CISCO_HEADER) return Stop.Truncated;
  work.at = at + CISCO_HEADER;
  return work.view.getUint16(at + 2);
}
