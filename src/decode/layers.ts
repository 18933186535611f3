/** What stands below IP, header by header; https://www.tcpdump.org/linktypes.html for the numbers of link types. */
import { DecodeStatus } from '../core/decoded.ts';
import { LinkType } from '../core/packet.ts';
import { skipEnc, skipIpnet, skipNull, skipPflog, skipPktap, skipUser2 } from './bsd.ts';
import { skipBackboneBridge, skipMacSec, skipMPacket, skipNsh } from './ethernet.ts';
import { skipFddi, skipTokenRing } from './fddi.ts';
import { skipFrameRelay } from './frame-relay.ts';
import { skipIeee80211, skipIeee80211Padded } from './ieee80211.ts';
import { decodeIpv4 } from './ipv4.ts';
import { decodeIpv6 } from './ipv6.ts';
import {
  EtherType,
  fixedHeader,
  fixedPrefix,
  isLinkLayer,
  type Layer,
  linkLayer,
  linkTypeOf,
  Next,
  Stop,
} from './layer.ts';
import { skipLlc, skipSnap } from './llc.ts';
import { skipMpls } from './mpls.ts';
import { skipNflog } from './nflog.ts';
import { skipCiscoHdlc, skipHdlc, skipPpp, skipPppoe } from './ppp.ts';
import { skipAvs, skipPpi, skipPrism, skipRadiotap } from './radio-headers.ts';
import type { Status, Work } from './work.ts';

const VLAN_TAG = 4; // octets: tag control, then the next EtherType
const FIRST_ETHERTYPE = 0x600; // less is the length of an LLC frame (IEEE 802.3) or a pseudo type of SLL

const ethernet = fixedHeader(14, 12);
const toPpp = linkLayer(LinkType.Ppp);
const toEthernet = linkLayer(LinkType.Ethernet);

const LAYERS: ReadonlyMap<number, Layer> = new Map<number, Layer>([
  [EtherType.EthernetBridging, ethernet],
  [EtherType.Ppp, skipPpp],
  [EtherType.Mpls, skipMpls],
  [EtherType.MplsUpstream, skipMpls],
  [EtherType.PppoeSession, skipPppoe],
  [EtherType.JumboLlc, skipLlc],
  [EtherType.MacSec, skipMacSec],
  [EtherType.BackboneBridge, skipBackboneBridge],
  [EtherType.Hsr, fixedHeader(6, 4)],
  [EtherType.Nsh, skipNsh],
  [Next.Llc, skipLlc],
  [Next.Snap, skipSnap],
  [Next.Ieee80211Padded, skipIeee80211Padded],
  [linkLayer(LinkType.Null), skipNull],
  [linkLayer(LinkType.Loop), skipNull],
  [linkLayer(LinkType.Ethernet), ethernet],
  [linkLayer(LinkType.TokenRing), skipTokenRing],
  [linkLayer(LinkType.Slip), fixedPrefix(16, linkLayer(LinkType.Raw))], // direction and compression
  [linkLayer(LinkType.Ppp), skipPpp],
  [linkLayer(LinkType.Fddi), skipFddi],
  [linkLayer(LinkType.RawOfBsd), skipRaw],
  [linkLayer(LinkType.RawOfOpenBsd), skipRaw],
  [linkLayer(LinkType.PppHdlc), skipHdlc],
  [linkLayer(LinkType.PppEther), skipPppoe],
  [linkLayer(LinkType.AtmRfc1483), skipLlc],
  [linkLayer(LinkType.Raw), skipRaw],
  [linkLayer(LinkType.CiscoHdlc), skipCiscoHdlc],
  [linkLayer(LinkType.Ieee80211), skipIeee80211],
  [linkLayer(LinkType.FrameRelay), skipFrameRelay],
  [linkLayer(LinkType.Enc), skipEnc],
  [linkLayer(LinkType.Pflog), skipPflog],
  [linkLayer(LinkType.Prism), skipPrism],
  [linkLayer(LinkType.IpOverFc), fixedPrefix(16, Next.Llc)], // two addresses of eight octets
  [linkLayer(LinkType.Radiotap), skipRadiotap],
  [linkLayer(LinkType.FireWire), fixedHeader(18, 16)],
  [linkLayer(LinkType.User2), skipUser2],
  [linkLayer(LinkType.Avs), skipAvs],
  [linkLayer(LinkType.PppPppd), fixedPrefix(2, toPpp)], // direction in place of the HDLC address, control
  [linkLayer(LinkType.Ppi), skipPpi],
  [linkLayer(LinkType.PppWithDirection), fixedPrefix(1, toPpp)],
  [linkLayer(LinkType.HdlcWithDirection), fixedPrefix(1, linkLayer(LinkType.CiscoHdlc))],
  [linkLayer(LinkType.FrameRelayWithDirection), fixedPrefix(1, linkLayer(LinkType.FrameRelay))],
  [linkLayer(LinkType.Mpls), skipMpls],
  [linkLayer(LinkType.Ipnet), skipIpnet],
  [linkLayer(LinkType.Ipv4), toIpv4],
  [linkLayer(LinkType.Ipv6), toIpv6],
  [linkLayer(LinkType.Nflog), skipNflog],
  [linkLayer(LinkType.NetAnalyzer), fixedPrefix(4, toEthernet)],
  [linkLayer(LinkType.IpOverInfiniband), fixedHeader(44, 40)], // global routing header, type, reserved
  [linkLayer(LinkType.Pktap), skipPktap],
  [linkLayer(LinkType.MPacket), skipMPacket],
  [linkLayer(LinkType.BroadcomTag), fixedHeader(18, 16)],
  [linkLayer(LinkType.BroadcomPrepended), fixedPrefix(4, toEthernet)],
  [linkLayer(LinkType.DsaTag), fixedHeader(18, 16)],
  [linkLayer(LinkType.DsaEtherTypeTag), fixedHeader(22, 20)],
]);

/** Decodes packet `i` from octet `work.at` on, where `first` stands; see layer.ts. */
export function decodeLayers(work: Work, i: number, first: number, end: number): Status {
  let next = first;
  for (;;) {
    switch (next) {
      case EtherType.Ipv4:
        return decodeIpv4(work, i, work.at, end);
      case EtherType.Ipv6:
        return decodeIpv6(work, i, work.at, end);
      case EtherType.Vlan:
      case EtherType.QinQ:
      case EtherType.QinQOld:
        if (end - work.at < VLAN_TAG) return DecodeStatus.Truncated;
        next = work.view.getUint16(work.at + 2);
        work.at += VLAN_TAG;
        break;
      default: {
        if (next < 0) return -next;
        const layer = next < FIRST_ETHERTYPE ? skipLlc : LAYERS.get(next);
        if (layer === undefined) return unknownLayer(work, next);
        next = layer(work, work.at, end);
      }
    }
  }
}

function unknownLayer(work: Work, next: number): Status {
  if (!isLinkLayer(next)) return DecodeStatus.NotIp;
  work.unsupported = linkTypeOf(next);
  return DecodeStatus.Unsupported;
}

function toIpv4(): number {
  return EtherType.Ipv4;
}

function toIpv6(): number {
  return EtherType.Ipv6;
}

function skipRaw(work: Work, at: number, end: number): number {
  if (end - at < 1) return Stop.Truncated;
  const version = work.view.getUint8(at) >> 4;
  return version === 4 ? EtherType.Ipv4 : version === 6 ? EtherType.Ipv6 : Stop.Malformed;
}
