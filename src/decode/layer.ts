/** The hand-over between headers below IP: each says what follows it, so no header needs to know the others. */
import { DecodeStatus } from '../core/decoded.ts';
import type { Work } from './work.ts';

/**
 * Skips the header at octet `at`: sets `work.at` to the octet behind it and returns what stands there (an EtherType, a
 * value of Next, linkLayer() of a LINKTYPE_* number) or a value of Stop. It moves `work.at` on, hands over to IP or
 * stops, so that no octets can keep the decoder in a circle. Never reads at or past `end`.
 */
export type Layer = (work: Work, at: number, end: number) => number;

const LINK_LAYER = 0x20000; // above all EtherTypes

export const linkLayer = (linkType: number): number => LINK_LAYER | linkType;
export const isLinkLayer = (next: number): boolean => next >= LINK_LAYER;
export const linkTypeOf = (next: number): number => next - LINK_LAYER;

/** What may follow and has neither an EtherType nor a LINKTYPE_* number. */
export const Next = {
  Llc: 0x10000,
  Snap: 0x10001,
  Ieee80211Padded: 0x10002, // header padded to four octets
} as const;

/** Why nothing follows. */
export const Stop = {
  Truncated: -DecodeStatus.Truncated,
  Malformed: -DecodeStatus.Malformed,
  NotIp: -DecodeStatus.NotIp,
  Unsupported: -DecodeStatus.Unsupported,
} as const;

/** https://www.iana.org/assignments/ieee-802-numbers */
export const EtherType = {
  Ipv4: 0x0800,
  EthernetBridging: 0x6558,
  Vlan: 0x8100, // IEEE 802.1Q
  Ipv6: 0x86dd,
  Ppp: 0x880b,
  Mpls: 0x8847,
  MplsUpstream: 0x8848, // RFC 5332
  PppoeSession: 0x8864,
  JumboLlc: 0x8870,
  QinQ: 0x88a8, // IEEE 802.1ad
  ErspanOld: 0x88be, // type I and II, inside GRE
  MacSec: 0x88e5,
  BackboneBridge: 0x88e7, // IEEE 802.1ah
  Hsr: 0x892f, // IEC 62439-3
  Nsh: 0x894f, // RFC 8300
  QinQOld: 0x9100,
  Erspan3: 0x22eb,
} as const;

/** A header of fixed length, with an EtherType in it. */
export function fixedHeader(octets: number, typeAt: number): Layer {
  return (work, at, end) => {
    if (end - at < octets) return Stop.Truncated;
    work.at = at + octets;
    return work.view.getUint16(at + typeAt);
  };
}

/** A header of fixed length, before something that is always the same. */
export function fixedPrefix(octets: number, next: number): Layer {
  return (work, at, end) => {
    if (end - at < octets) return Stop.Truncated;
    work.at = at + octets;
    return next;
  };
}
