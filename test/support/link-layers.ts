/** A builder of frames for each link layer: what a packet of that layer looks like around an IP packet. */
import { crc32 } from 'node:zlib';
import { LinkType } from '../../src/core/packet.ts';
import { ethernet, type Network, nullLink, raw, sll, sll2, vlan } from './packets.ts';

/** Who else understands it, of the versions of Debian 12. */
type Witness = 'tshark' | 'tcpdump' | 'nobody';

export interface LinkSample {
  readonly name: string;
  readonly linkType: number;
  readonly witness: Witness;
  readonly frame: (inner: Network) => Uint8Array;
}

const WITNESSES: Readonly<Record<number, Witness>> = {
  [LinkType.Slip]: 'tcpdump',
  [LinkType.PppPppd]: 'tcpdump',
  [LinkType.NetAnalyzer]: 'tcpdump',
  [LinkType.BroadcomTag]: 'tcpdump',
  [LinkType.BroadcomPrepended]: 'tcpdump',
  [LinkType.DsaTag]: 'tcpdump',
  [LinkType.DsaEtherTypeTag]: 'tcpdump',
  [LinkType.HdlcWithDirection]: 'nobody',
  [LinkType.FrameRelayWithDirection]: 'nobody',
  [LinkType.Mpls]: 'nobody',
};

const u16 = (n: number): number[] => [(n >>> 8) & 255, n & 255];
const u32 = (n: number): number[] => [...u16(n >>> 16), ...u16(n)];
const little = (octets: 2 | 4, n: number): number[] =>
  u32(n)
    .slice(4 - octets)
    .reverse();
const zeros = (n: number): number[] => new Array<number>(n).fill(0);
const MAC = [2, 0, 0, 0, 0, 1];
const MACS = [...MAC, 2, 0, 0, 0, 0, 2];

const isIpv4 = (inner: Network): boolean => inner.etherType === 0x0800;
const frame = (etherType: number, ...bytes: number[]): Network => ({ etherType, bytes });
const whole = (inner: Network): number[] => [...ethernet(inner)];

export const snap = (inner: Network): number[] => [0xaa, 0xaa, 3, 0, 0, 0, ...u16(inner.etherType), ...inner.bytes];
const bridgedSnap = (inner: Network): number[] => [0xaa, 0xaa, 3, 0, 0x80, 0xc2, 0, 7, 0, 0, ...whole(inner)];
const label = (n: number, bottom: boolean): number[] => u32((n << 12) | (bottom ? 0x100 : 0) | 64);
export const mpls = (inner: Network): number[] => [...label(100, false), ...label(200, true), ...inner.bytes];
/** Both take a frame for one when they know its vendor or its EtherType. */
const VENDOR_MACS = [0, 0x1b, 0x21, 0, 0, 1, 0, 0x1b, 0x21, 0, 0, 2];
const vendorFrame = (inner: Network): number[] => [...VENDOR_MACS, ...whole(inner).slice(12)];
const pseudowire = (control: number[], inner: Network): number[] => [
  ...label(300, true),
  ...control,
  ...vendorFrame(inner),
];
const pppNumber = (inner: Network): number => (isIpv4(inner) ? 0x21 : 0x57);
export const ppp = (inner: Network): number[] => [...u16(pppNumber(inner)), ...inner.bytes];
const pppoe = (inner: number[]): number[] => [0x11, 0, ...u16(7), ...u16(inner.length), ...inner];
const chdlc = (inner: Network): number[] => [0x0f, 0, ...u16(inner.etherType), ...inner.bytes];
const frameRelay = (inner: Network): number[] => [0x18, 0x41, 3, isIpv4(inner) ? 0xcc : 0x8e, ...inner.bytes];
/** With its frame check sequence. */
const checked = (bytes: number[]): number[] => [...bytes, ...little(4, crc32(Uint8Array.from(bytes)))];
const length8023 = (llc: number[]): Network => frame(llc.length, ...llc);

interface Wifi {
  readonly kind?: number;
  readonly flags?: number;
  readonly extra?: number[]; // behind the third address
}
function wifi(inner: number[], { kind = 0x08, flags = 1, extra = [] }: Wifi = {}): number[] {
  return [kind, flags, 0, 0, ...MAC, ...MACS, ...u16(0x1000), ...extra, ...inner];
}
const subframe = (llc: number[]): number[] => [...MACS, ...u16(llc.length), ...llc];

const radiotap = (present: number, fields: number[], rest: number[]): number[] => [
  ...[0, 0, ...little(2, 8 + fields.length), ...little(4, present)],
  ...fields,
  ...rest,
];
const ppi = (linkType: number, rest: number[]): number[] => [0, 0, ...little(2, 8), ...little(4, linkType), ...rest];
const avs = (rest: number[]): number[] => [...u32(0x80211001), ...u32(64), ...zeros(56), ...rest];
const prism = (rest: number[]): number[] => [...little(4, 0x44), ...little(4, 144), ...zeros(136), ...rest];

function pktap(linkType: number, rest: number[]): number[] {
  const header = [...little(4, 108), ...little(4, 1), ...little(4, linkType), ...zeros(96)];
  return [...header, ...rest];
}
const pflog = (family: number, rest: number[]): number[] => [61, family, 0, 0, ...zeros(60), ...rest];
const ipnet = (inner: Network): number[] => [
  ...[1, isIpv4(inner) ? 2 : 26, 0, 0, ...u32(inner.bytes.length), ...zeros(16)],
  ...inner.bytes,
];

function nflog(inner: Network): number[] {
  const prefix = [...little(2, 9), ...little(2, 10), ...Buffer.from('drop\0'), 0, 0, 0];
  const payload = [...little(2, 4 + inner.bytes.length), ...little(2, 9), ...inner.bytes];
  return [isIpv4(inner) ? 2 : 10, 0, 0, 0, ...prefix, ...payload];
}

const llcFrame = (linkType: number, name: string, ...header: number[]): LinkSample =>
  sample(name, linkType, (inner) => [...header, ...snap(inner)]);

function sample(name: string, linkType: number, build: (inner: Network) => Iterable<number>): LinkSample {
  return { name, linkType, witness: WITNESSES[linkType] ?? 'tshark', frame: (inner) => Uint8Array.from(build(inner)) };
}
const inEthernet = (name: string, build: (inner: Network) => Network): LinkSample =>
  sample(name, LinkType.Ethernet, (inner) => ethernet(build(inner)));

const ETHERNET_SAMPLES: readonly LinkSample[] = [
  inEthernet('Ethernet', (inner) => inner),
  inEthernet('802.1Q', (inner) => vlan(0x8100, inner)),
  inEthernet('802.1ad', (inner) => vlan(0x88a8, vlan(0x8100, inner))),
  inEthernet('802.3 with SNAP', (inner) => length8023(snap(inner))),
  inEthernet('MPLS', (inner) => frame(0x8847, ...mpls(inner))),
  inEthernet('MPLS behind 802.1Q', (inner) => vlan(0x8100, frame(0x8847, ...mpls(inner)))),
  inEthernet('a pseudowire', (inner) => frame(0x8847, ...pseudowire([], inner))),
  inEthernet('a pseudowire with control word', (inner) => frame(0x8847, ...pseudowire(zeros(4), inner))),
  inEthernet('PPPoE', (inner) => frame(0x8864, ...pppoe(ppp(inner)))),
  inEthernet('PPPoE with a short protocol', (inner) => frame(0x8864, ...pppoe([pppNumber(inner), ...inner.bytes]))),
  inEthernet('PPPoE with MPLS', (inner) => frame(0x8864, ...pppoe([2, 0x81, ...mpls(inner)]))),
  inEthernet('802.1ah', (inner) => vlan(0x88a8, frame(0x88e7, ...u32(77), ...whole(inner)))),
  inEthernet('HSR', (inner) => frame(0x892f, ...u16(0x1000), ...u16(1), ...u16(inner.etherType), ...inner.bytes)),
  inEthernet('MACsec without encryption', (inner) =>
    frame(0x88e5, 0x20, 0, ...u32(1), ...zeros(8), ...u16(inner.etherType), ...inner.bytes, ...zeros(16)),
  ),
  inEthernet('NSH', (inner) =>
    frame(0x894f, 0x0f, 0xc6, 1, isIpv4(inner) ? 1 : 2, ...u32(0x0101ff), ...zeros(16), ...inner.bytes),
  ),
];

const PPP_SAMPLES: readonly LinkSample[] = [
  sample('PPP', LinkType.Ppp, ppp),
  sample('PPP with an HDLC address', LinkType.Ppp, (inner) => [0xff, 3, ...ppp(inner)]),
  sample('bridged PPP', LinkType.Ppp, (inner) => [0, 0x31, 0, 1, ...whole(inner)]),
  sample('PPP over HDLC', LinkType.PppHdlc, (inner) => [0xff, 3, ...ppp(inner)]),
  sample('Cisco HDLC that says PPP', LinkType.PppHdlc, chdlc),
  sample('PPPoE alone', LinkType.PppEther, (inner) => pppoe(ppp(inner))),
  sample('Cisco HDLC', LinkType.CiscoHdlc, chdlc),
  sample('frame relay', LinkType.FrameRelay, frameRelay),
  sample('frame relay with SNAP', LinkType.FrameRelay, (inner) => [0x18, 0x41, 3, 0, 0x80, ...snap(inner).slice(3)]),
  sample('PPP with direction', LinkType.PppWithDirection, (inner) => [1, 0xff, 3, ...ppp(inner)]),
  sample('Cisco HDLC with direction', LinkType.HdlcWithDirection, (inner) => [1, ...chdlc(inner)]),
  sample('frame relay with direction', LinkType.FrameRelayWithDirection, (inner) => [1, ...frameRelay(inner)]),
  sample('PPP of pppd', LinkType.PppPppd, (inner) => [1, 3, ...ppp(inner)]),
];

const LAN_SAMPLES: readonly LinkSample[] = [
  llcFrame(LinkType.TokenRing, 'Token Ring', 0x10, 0x40, ...MACS),
  llcFrame(LinkType.TokenRing, 'routed Token Ring', 0x10, 0x40, ...MAC, 0x82, 0, 0, 0, 0, 2, 6, 0x30, 0, 0x11, 0, 0x20),
  llcFrame(LinkType.Fddi, 'FDDI', 0x50, ...MACS),
  llcFrame(LinkType.AtmRfc1483, 'ATM'),
  sample('bridged ATM', LinkType.AtmRfc1483, bridgedSnap),
  llcFrame(LinkType.IpOverFc, 'fibre channel', 0, 0, ...MAC, 0, 0, ...MAC),
  sample('FireWire', LinkType.FireWire, (inner) => [...zeros(16), ...u16(inner.etherType), ...inner.bytes]),
  sample('InfiniBand', LinkType.IpOverInfiniband, (inner) => [
    ...[0x60, ...zeros(39)],
    ...u16(inner.etherType),
    ...[0, 0, ...inner.bytes],
  ]),
  sample('an express frame of 802.3br', LinkType.MPacket, (inner) => [
    ...[0x55, 0x55, 0x55, 0x55, 0x55, 0x55, 0x55, 0xd5],
    ...checked(whole(inner)),
  ]),
  sample('a tag of a Broadcom switch', LinkType.BroadcomTag, (inner) => [
    ...[...MACS, 0x20, 0, 0, 1],
    ...[...u16(inner.etherType), ...inner.bytes],
  ]),
  sample('a switch tag before the frame', LinkType.BroadcomPrepended, (inner) => [0x20, 0, 0, 1, ...whole(inner)]),
  sample('a tag of a Marvell switch', LinkType.DsaTag, (inner) => [
    ...[...MACS, 0xc0, 0x18, 0, 1],
    ...[...u16(inner.etherType), ...inner.bytes],
  ]),
  sample('a tag with EtherType of a Marvell switch', LinkType.DsaEtherTypeTag, (inner) => [
    ...[...MACS, 0xda, 0xda, 0, 0, 0xc0, 0x18, 0, 1],
    ...[...u16(inner.etherType), ...inner.bytes],
  ]),
];

const WIFI_SAMPLES: readonly LinkSample[] = [
  sample('802.11', LinkType.Ieee80211, (inner) => wifi(snap(inner))),
  sample('802.11 with QoS', LinkType.Ieee80211, (inner) => wifi(snap(inner), { kind: 0x88, extra: [0, 0] })),
  sample('802.11 with HT control', LinkType.Ieee80211, (inner) =>
    wifi(snap(inner), { kind: 0x88, flags: 0x81, extra: zeros(6) }),
  ),
  sample('802.11 between access points', LinkType.Ieee80211, (inner) => wifi(snap(inner), { flags: 3, extra: MAC })),
  sample('aggregated 802.11', LinkType.Ieee80211, (inner) =>
    wifi(subframe(snap(inner)), { kind: 0x88, extra: [0x80, 0] }),
  ),
  sample('radiotap', LinkType.Radiotap, (inner) => radiotap(0, [], wifi(snap(inner)))),
  sample('radiotap with time, flags and padding', LinkType.Radiotap, (inner) =>
    radiotap(3, [...zeros(8), 0x20], wifi(snap(inner), { kind: 0x88, extra: [0, 0, 0, 0] })),
  ),
  sample('radiotap with two words of presence', LinkType.Radiotap, (inner) =>
    radiotap(
      0x80000003,
      [...zeros(4), ...zeros(4), ...zeros(8), 0x20],
      wifi(snap(inner), { kind: 0x88, extra: [0, 0, 0, 0] }),
    ),
  ),
  sample('PPI', LinkType.Ppi, (inner) => ppi(LinkType.Ieee80211, wifi(snap(inner)))),
  sample('PPI with Ethernet', LinkType.Ppi, (inner) => ppi(LinkType.Ethernet, whole(inner))),
  sample('AVS', LinkType.Avs, (inner) => avs(wifi(snap(inner)))),
  sample('Prism', LinkType.Prism, (inner) => prism(wifi(snap(inner)))),
  sample('AVS that says Prism', LinkType.Prism, (inner) => avs(wifi(snap(inner)))),
];

const SYSTEM_SAMPLES: readonly LinkSample[] = [
  sample('NULL', LinkType.Null, (inner) => nullLink(isIpv4(inner) ? 2 : 30, 'little', inner)),
  sample('NULL of a big-endian machine', LinkType.Null, (inner) => nullLink(isIpv4(inner) ? 2 : 28, 'big', inner)),
  sample('LOOP', LinkType.Loop, (inner) => nullLink(isIpv4(inner) ? 2 : 24, 'big', inner)),
  sample('raw IP', LinkType.Raw, raw),
  sample('SLL', LinkType.LinuxSll, (inner) => sll(0, inner)),
  sample('SLL with 802.2', LinkType.LinuxSll, (inner) => sll(0, frame(4, ...snap(inner)))),
  sample('SLL2', LinkType.LinuxSll2, (inner) => sll2(3, 0, inner)),
  sample('SLIP', LinkType.Slip, (inner) => [0, 0x40, ...zeros(14), ...inner.bytes]),
  sample('ENC', LinkType.Enc, (inner) => [...little(4, isIpv4(inner) ? 2 : 24), ...zeros(8), ...inner.bytes]),
  sample('PFLOG', LinkType.Pflog, (inner) => pflog(isIpv4(inner) ? 2 : 24, [...inner.bytes])),
  sample('NFLOG', LinkType.Nflog, nflog),
  sample('IPNET', LinkType.Ipnet, ipnet),
  sample('PKTAP', LinkType.Pktap, (inner) => pktap(LinkType.Ethernet, whole(inner))),
  sample('PKTAP with raw IP', LinkType.Pktap, (inner) => pktap(LinkType.RawOfBsd, [...inner.bytes])),
  sample('MPLS alone', LinkType.Mpls, mpls),
  sample('raw IP of OpenBSD', LinkType.RawOfOpenBsd, raw),
  sample('NetAnalyzer', LinkType.NetAnalyzer, (inner) => [0, 0x50, 0, 0, ...whole(inner), 0, 0, 0, 0]),
];

export const LINK_SAMPLES: readonly LinkSample[] = [
  ...ETHERNET_SAMPLES,
  ...PPP_SAMPLES,
  ...LAN_SAMPLES,
  ...WIFI_SAMPLES,
  ...SYSTEM_SAMPLES,
];
