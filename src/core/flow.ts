import type { Columns } from './columns.ts';

/** Why a flow ended, IPFIX information element 136 (RFC 5102 section 5.11.3). The index is the stored code. */
export const FLOW_END_REASONS = [null, 'idle', 'active', 'end-of-flow', 'forced', 'lack-of-resources'] as const;
export const FlowEnd = { None: 0, Idle: 1, Active: 2, EndOfFlow: 3, Forced: 4, LackOfResources: 5 } as const;

/**
 * Bits of FlowColumns.flags. Refused: a SYN was answered by a RST, no connection came about. HandedDst, CutDst: `handedUs`,
 * `cutUs` are of the socket at the destination, without them at the source.
 */
export const FlowFlag = { New: 1, Ended: 2, Refused: 4, HandedDst: 8, CutDst: 16 } as const;

/**
 * State of flows at one drain.
 *
 * Counters are totals since the flow began, not deltas: a later row replaces an earlier one, so a
 * drain that comes late or twice changes nothing.
 */
export const FLOW_COLUMNS = {
  serial: 'f64', // 1, 2, 3 ... in order of creation, unique within one flow table
  key: 'key', // src = sender of the original direction
  firstUs: 'f64', // microseconds since the epoch
  lastUs: 'f64', // firstUs plus the span on a clock that never steps
  firstBootUs: 'f64', // CLOCK_BOOTTIME (live) or packet time (file): what facts are joined by
  lastBootUs: 'f64',
  origPackets: 'f64', // the largest sighting of this direction, see `duplicatePackets`
  origBytes: 'f64', // frame.len
  origIpBytes: 'f64', // IP length
  replyPackets: 'f64',
  replyBytes: 'f64',
  replyIpBytes: 'f64',
  duplicatePackets: 'f64', // the same packets seen on other interfaces
  duplicateBytes: 'f64',
  netns: 'f64', // inode of the namespace in which the first packet was seen; 0: not known
  natKey: 'key', // the tuple on the other side of address translation, in the same direction; all zero: none
  srcCookie: 'f64', // socket at that end, as kernel events said; 0: not known
  dstCookie: 'f64',
  handedUs: 'f64', // CLOCK_BOOTTIME at which another process was told to use a socket, with which the flow began; 0: not so
  cutUs: 'f64', // the same of its end
  ifindex: 'u32', // interface of the first packet
  flags: 'u8', // FlowFlag bits
  endReason: 'u8', // FlowEnd, 0 while the flow lives
  pktType: 'u8', // PacketType of the first packet of the original direction
} as const;
export type FlowColumns = Columns<typeof FLOW_COLUMNS>;

/** Tuples of flows that just began, sent to the observer before the tick so that short sockets are still there. */
export const FRESH_COLUMNS = {
  serial: 'f64',
  key: 'key',
  firstBootUs: 'f64',
  netns: 'f64', // inode of the sighting's namespace; 0: not known
  ifindex: 'u32',
} as const;
export type FreshColumns = Columns<typeof FRESH_COLUMNS>;
