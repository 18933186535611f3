/** Packets as batches of parallel columns: the hand-over from a capture to the decoder. */
import { SECOND_US, type Us } from './time.ts';

/** LINKTYPE_* numbers this project decodes, https://www.tcpdump.org/linktypes.html */
export const LinkType = {
  Null: 0,
  Ethernet: 1,
  TokenRing: 6,
  Slip: 8,
  Ppp: 9,
  Fddi: 10,
  RawOfBsd: 12, // systems that wrote their own number of raw IP into files
  RawOfOpenBsd: 14,
  PppHdlc: 50,
  PppEther: 51,
  AtmRfc1483: 100,
  Raw: 101,
  CiscoHdlc: 104,
  Ieee80211: 105,
  FrameRelay: 107,
  Loop: 108,
  Enc: 109,
  LinuxSll: 113,
  Pflog: 117,
  Prism: 119,
  IpOverFc: 122,
  Radiotap: 127,
  FireWire: 138,
  User2: 149,
  Avs: 163,
  PppPppd: 166,
  Ppi: 192,
  PppWithDirection: 204,
  HdlcWithDirection: 205,
  FrameRelayWithDirection: 206,
  Mpls: 219,
  Ipnet: 226,
  Ipv4: 228,
  Ipv6: 229,
  Nflog: 239,
  NetAnalyzer: 240,
  IpOverInfiniband: 242,
  Pktap: 258,
  MPacket: 274,
  LinuxSll2: 276,
  BroadcomTag: 281,
  BroadcomPrepended: 282,
  DsaTag: 284,
  DsaEtherTypeTag: 285,
} as const;

/** Way of a packet at an interface, sll_pkttype of linux/if_packet.h; `Unknown` where the link type has none. */
export const PacketType = { Host: 0, Broadcast: 1, Multicast: 2, OtherHost: 3, Outgoing: 4, Unknown: 255 } as const;

/** One hand-over of packets. Columns are [capacity], valid up to `count`, until the next read() of the source. */
export interface PacketBatch {
  count: number;
  netns: number; // index of the namespace all of them were seen in; 0: that of the recorder, or of a file
  readonly capacity: number;
  readonly bytes: Uint8Array; // captured bytes, packet after packet
  readonly offset: Uint32Array; // start of packet i in bytes, octets
  readonly capLen: Uint32Array; // octets captured, <= origLen
  readonly origLen: Uint32Array; // octets on the wire (may exceed the MTU: GRO, TSO)
  readonly sec: Uint32Array; // seconds since the epoch, and
  readonly nsec: Uint32Array; // nanoseconds: lossless, and no bigint on the hot path
  readonly ifindex: Uint32Array; // 0: unknown. The decoder overwrites it from an SLL2 header
  readonly pktType: Uint8Array; // PacketType. The decoder overwrites it from SLL and SLL2 headers
  readonly linkType: Uint16Array; // LINKTYPE_* number
}

/** To the microsecond. @param row of the batch */
export const timeOf = ({ sec, nsec }: Pick<PacketBatch, 'sec' | 'nsec'>, row: number): Us =>
  sec[row]! * SECOND_US + Math.floor(nsec[row]! / 1000);

export function createPacketBatch(capacity: number, byteCapacity: number): PacketBatch {
  return {
    count: 0,
    netns: 0,
    capacity,
    bytes: new Uint8Array(byteCapacity),
    offset: new Uint32Array(capacity),
    capLen: new Uint32Array(capacity),
    origLen: new Uint32Array(capacity),
    sec: new Uint32Array(capacity),
    nsec: new Uint32Array(capacity),
    ifindex: new Uint32Array(capacity),
    pktType: new Uint8Array(capacity).fill(PacketType.Unknown),
    linkType: new Uint16Array(capacity),
  };
}

/** What a source counted since it was opened. `undefined`: this source cannot know. */
export interface CaptureStats {
  received: number | undefined; // packets that passed the filter, ps_recv
  kernelDrops: number | undefined; // ps_drop: no room in the ring
  interfaceDrops: number | undefined; // ps_ifdrop
}

export interface CaptureSource {
  /** Becomes readable when packets wait; -1 or absent: there is nothing to poll, read() has to be tried. */
  readonly fd?: number;
  /** Replaces the content of `into`; returns packets read, 0 when none came within `timeoutMs`, -1 at the end. */
  read(into: PacketBatch, timeoutMs: number): number;
  stats(): CaptureStats;
  close(): void;
}
