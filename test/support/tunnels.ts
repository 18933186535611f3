/** A builder for each tunnel: an IP packet that carries another IP packet. */
import { mpls, ppp, snap } from './link-layers.ts';
import { ethernet, ipv4, ipv6, type Network, type Transport, vlan } from './packets.ts';

export interface TunnelSample {
  readonly name: string;
  readonly outer: string; // its tuple, as tupleText() says it
  readonly around: (inner: Network) => Network;
}

const u16 = (n: number): number[] => [(n >>> 8) & 255, n & 255];
const u32 = (n: number): number[] => [...u16(n >>> 16), ...u16(n)];
const zeros = (n: number): number[] => new Array<number>(n).fill(0);
const isIpv4 = (inner: Network): boolean => inner.etherType === 0x0800;
const whole = (inner: Network): number[] => [...ethernet(inner)];

const ENDS = { src: '203.0.113.1', dst: '203.0.113.2' };
const ENDS6 = { src: '2001:db8:f::1', dst: '2001:db8:f::2' };

function overIp(name: string, protocolOf: number | ((inner: Network) => number), build: (inner: Network) => number[]) {
  const inside = (inner: Network): Transport => ({
    protocol: typeof protocolOf === 'number' ? protocolOf : protocolOf(inner),
    bytes: build(inner),
  });
  const outer = `${typeof protocolOf === 'number' ? protocolOf : 'P'} 203.0.113.1:0 203.0.113.2:0`;
  return { name, outer, around: (inner: Network) => ipv4(ENDS, inside(inner)) };
}

function overUdp(name: string, port: number, build: (inner: Network) => number[]): TunnelSample {
  const inside = (inner: Network): Transport => {
    const bytes = build(inner);
    return { protocol: 17, bytes: [...u16(50_000), ...u16(port), ...u16(8 + bytes.length), 0, 0, ...bytes] };
  };
  const outer = `17 203.0.113.1:50000 203.0.113.2:${port}`;
  return { name, outer, around: (inner) => ipv4(ENDS, inside(inner)) };
}

const asIp = (inner: Network): number => (isIpv4(inner) ? 4 : 41);
const gre = (flags: number, type: number, fields: number[], rest: Iterable<number>): number[] => [
  ...[...u16(flags), ...u16(type)],
  ...[...fields, ...rest],
];
const vxlan = (inner: Network): number[] => [8, 0, 0, 0, 0, 0, 77, 0, ...whole(inner)];
const capwap = (word: number, rest: number[]): number[] => [...u32((2 << 19) | (1 << 9) | word), 0, 0, 0, 0, ...rest];
const wifiData = (inner: Network): number[] => [
  ...[0x08, 1, 0, 0, 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 3, 0, 0],
  ...snap(inner),
];

export const TUNNEL_SAMPLES: readonly TunnelSample[] = [
  overIp('IPIP and 6in4', asIp, (inner) => [...inner.bytes]),
  {
    name: 'IPv4 and IPv6 in IPv6',
    outer: 'P 2001:db8:f::1:0 2001:db8:f::2:0',
    around: (inner) => ipv6(ENDS6, { protocol: asIp(inner), bytes: inner.bytes }),
  },
  overIp('GRE', 47, (inner) => gre(0, inner.etherType, [], inner.bytes)),
  overIp('GRE with all fields', 47, (inner) => gre(0xb000, inner.etherType, zeros(12), inner.bytes)),
  overIp('NVGRE', 47, (inner) => gre(0x2000, 0x6558, u32(0x4d00), ethernet(inner))),
  overIp('PPTP', 47, (inner) => gre(0x3081, 0x880b, [...u16(2 + inner.bytes.length), 0, 9, ...zeros(8)], ppp(inner))),
  overIp('MPLS in GRE', 47, (inner) => gre(0, 0x8847, [], mpls(inner))),
  overIp('ERSPAN I', 47, (inner) => gre(0, 0x88be, [], ethernet(inner))),
  overIp('ERSPAN II', 47, (inner) => gre(0x1000, 0x88be, [...u32(1), ...u32(0x10000001), ...u32(0)], ethernet(inner))),
  overIp('ERSPAN III', 47, (inner) =>
    gre(0x1000, 0x22eb, [...u32(1), ...u32(0x20000001), ...u32(0), ...u32(0)], ethernet(inner)),
  ),
  overIp('ERSPAN III with a platform header', 47, (inner) =>
    gre(
      0x1000,
      0x22eb,
      [...u32(1), ...u32(0x20000001), ...u32(0), ...u32(1), ...u32(0x04000000), ...u32(0)],
      ethernet(inner),
    ),
  ),
  overIp('EtherIP', 97, (inner) => [0x30, 0, ...whole(inner)]),
  overIp('MPLS in IP', 137, mpls),
  overUdp('VXLAN', 4789, vxlan),
  overUdp('VXLAN with a VLAN inside', 4789, (inner) => vxlan(vlan(0x8100, inner))),
  overUdp('VXLAN on its old port', 8472, vxlan),
  overUdp('VXLAN-GPE', 4790, (inner) => [0x0c, 0, 0, isIpv4(inner) ? 1 : 2, 0, 0, 77, 0, ...inner.bytes]),
  overUdp('GENEVE', 6081, (inner) => [0, 0, 0x65, 0x58, 0, 0, 77, 0, ...whole(inner)]),
  overUdp('GENEVE with options and IP', 6081, (inner) => [
    ...[2, 0, ...u16(inner.etherType), 0, 0, 77, 0],
    ...[1, 1, 1, 1, ...u32(5), ...inner.bytes],
  ]),
  overUdp('GTP-U', 2152, (inner) => [0x30, 255, ...u16(inner.bytes.length), ...u32(7), ...inner.bytes]),
  overUdp('GTP-U with extensions', 2152, (inner) => [
    ...[0x36, 255, ...u16(inner.bytes.length + 8), ...u32(7)],
    ...[0, 1, 0, 0x85, 1, 0x10, 1, 0, ...inner.bytes],
  ]),
  overUdp('L2TP', 1701, (inner) => [0, 2, 0, 1, 0, 2, 0xff, 3, ...ppp(inner)]),
  overUdp('L2TP with all fields', 1701, (inner) => [
    ...[0x4a, 2, ...u16(20 + inner.bytes.length), 0, 1, 0, 2, ...u32(0)],
    ...[0, 2, 0, 0, 0xff, 3, ...ppp(inner)],
  ]),
  overUdp('CAPWAP', 5247, (inner) => capwap(0, whole(inner))),
  overUdp('CAPWAP with 802.11', 5247, (inner) => capwap(0x100, wifiData(inner))),
  overUdp('MPLS in UDP', 6635, mpls),
  overUdp('LISP', 4341, (inner) => [...zeros(8), ...inner.bytes]),
];

/** Only IPv6 goes through. */
export const TEREDO_SAMPLES: readonly TunnelSample[] = [
  overUdp('Teredo', 3544, (inner) => [...inner.bytes]),
  overUdp('Teredo with authentication and origin', 3544, (inner) => [
    ...[0, 1, 2, 3, 1, 2, 1, 2, 3, ...zeros(8), 0],
    ...[0, 0, 0xff, 0xff, ...u32(0x01020304), ...inner.bytes],
  ]),
];
