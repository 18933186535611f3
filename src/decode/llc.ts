/** IEEE 802.2 logical link control and its extension SNAP, RFC 1042, RFC 2684 section 5. */
import { LinkType } from '../core/packet.ts';
import { EtherType, linkLayer, Next, Stop } from './layer.ts';
import type { Work } from './work.ts';

const LLC = 3; // octets: destination and source service access point, control
const UNNUMBERED = 0x03; // control of a datagram
const SAP_IP = 0x06; // RFC 948
const SAP_SNAP = 0xaa;
const SAP_NLPID = 0xfe;
const NLPID_IPV4 = 0xcc;
const NLPID_IPV6 = 0x8e;

export function skipLlc(work: Work, at: number, end: number): number {
  const { view } = work;
  if (end - at < LLC) return Stop.Truncated;
  if (view.getUint8(at) !== view.getUint8(at + 1) || view.getUint8(at + 2) !== UNNUMBERED) return Stop.NotIp;
  work.at = at + LLC;
  switch (view.getUint8(at)) {
    case SAP_SNAP:
      return Next.Snap;
    case SAP_IP:
      return EtherType.Ipv4;
    case SAP_NLPID:
      return skipNlpid(work, at + LLC, end);
    default:
      return Stop.NotIp;
  }
}

function skipNlpid(work: Work, at: number, end: number): number {
  if (end - at < 1) return Stop.Truncated;
  work.at = at + 1;
  const protocol = work.view.getUint8(at);
  return protocol === NLPID_IPV4 ? EtherType.Ipv4 : protocol === NLPID_IPV6 ? EtherType.Ipv6 : Stop.NotIp;
}

const SNAP = 5; // octets: organization, then what it has numbered
const ETHERNET = 0x000000;
const BRIDGE_TUNNEL = 0x0000f8; // IEEE 802.1H
const IEEE_8021 = 0x0080c2;
const BRIDGED = [0x0001, 0x0007]; // Ethernet with and without its check sequence; two octets of padding before it

export function skipSnap(work: Work, at: number, end: number): number {
  const { view } = work;
  if (end - at < SNAP) return Stop.Truncated;
  const organization = (view.getUint8(at) << 16) | view.getUint16(at + 1);
  const type = view.getUint16(at + 3);
  work.at = at + SNAP;
  if (organization === ETHERNET || organization === BRIDGE_TUNNEL) return type;
  if (organization !== IEEE_8021 || !BRIDGED.includes(type)) return Stop.NotIp;
  work.at += 2;
  return linkLayer(LinkType.Ethernet);
}
