/** Headers that stand behind an EtherType and end in another one, or in a whole Ethernet frame. */
import { LinkType } from '../core/packet.ts';
import { EtherType, linkLayer, Stop } from './layer.ts';
import type { Work } from './work.ts';

const toEthernet = linkLayer(LinkType.Ethernet);

const I_TAG = 4; // octets: priority and the service instance, then the customer's frame

/** Provider backbone bridging, IEEE 802.1ah. */
export function skipBackboneBridge(work: Work, at: number, end: number): number {
  if (end - at < I_TAG) return Stop.Truncated;
  work.at = at + I_TAG;
  return toEthernet;
}

const SEC_TAG = 6; // octets: control, length, packet number, then the secure channel when the control says so
const SECURE_CHANNEL = 8;
const HAS_CHANNEL = 0x20;
const ENCRYPTED = 0x08;
const CHANGED = 0x04; // the text, even if not encrypted

/** IEEE 802.1AE; only frames that are authenticated but not encrypted can be read. */
export function skipMacSec(work: Work, at: number, end: number): number {
  if (end - at < SEC_TAG) return Stop.Truncated;
  const control = work.view.getUint8(at);
  if ((control & (ENCRYPTED | CHANGED)) !== 0) return Stop.NotIp;
  const type = at + SEC_TAG + ((control & HAS_CHANNEL) === 0 ? 0 : SECURE_CHANNEL);
  if (end - type < 2) return Stop.Truncated;
  work.at = type + 2;
  return work.view.getUint16(type);
}

const NSH_BASE = 4; // octets
const NSH_LENGTH = 0x3f; // of the second octet, in words of four octets
const NSH_NEXT: ReadonlyMap<number, number> = new Map([
  [1, EtherType.Ipv4],
  [2, EtherType.Ipv6],
  [3, toEthernet],
  [4, EtherType.Nsh],
  [5, EtherType.Mpls],
]);

/** Network service header, RFC 8300 section 2.2. */
export function skipNsh(work: Work, at: number, end: number): number {
  if (end - at < NSH_BASE) return Stop.Truncated;
  const octets = (work.view.getUint8(at + 1) & NSH_LENGTH) << 2;
  if (octets < NSH_BASE) return Stop.Malformed;
  if (end - at < octets) return Stop.Truncated;
  work.at = at + octets;
  return nshNext(work.view.getUint8(at + 3));
}

/** VXLAN-GPE has the same numbers. */
export function nshNext(protocol: number): number {
  return NSH_NEXT.get(protocol) ?? Stop.NotIp;
}

const PREAMBLE = 8; // octets, the last of which says what kind of frame comes
const EXPRESS = 0xd5;

/** LINKTYPE_ETHERNET_MPACKET, IEEE 802.3br: parts of a preempted frame are not joined. */
export function skipMPacket(work: Work, at: number, end: number): number {
  if (end - at < PREAMBLE) return Stop.Truncated;
  if (work.view.getUint8(at + PREAMBLE - 1) !== EXPRESS) return Stop.NotIp;
  work.at = at + PREAMBLE;
  return toEthernet;
}
