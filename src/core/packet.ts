/** Packets as batches of parallel columns: the hand-over from a capture to the decoder. */

/** LINKTYPE_* numbers this project decodes, https://www.tcpdump.org/linktypes.html */
export const LinkType = {
  Null: 0,
  Ethernet: 1,
  Raw: 101,
  Loop: 108,
  LinuxSll: 113,
  Ipv4: 228,
  Ipv6: 229,
  LinuxSll2: 276,
} as const;

/** Way of a packet at an interface, sll_pkttype of linux/if_packet.h; `Unknown` where the link type has none. */
export const PacketType = { Host: 0, Broadcast: 1, Multicast: 2, OtherHost: 3, Outgoing: 4, Unknown: 255 } as const;

/** One hand-over of packets. Columns are [capacity], valid up to `count`, until the next read() of the source. */
export interface PacketBatch {
  count: number;
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

export function createPacketBatch(capacity: number, byteCapacity: number): PacketBatch {
  return {
    count: 0,
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
