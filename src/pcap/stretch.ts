/** What the readers of all formats share: octets that wait, and the packets found in them. */
import type { PacketBatch } from '../core/packet.ts';

/** Where a file stopped being in its format. Everything before `offset` was delivered. */
export interface Damage {
  readonly offset: number; // octets from the beginning of the file; of a compressed one, of what is inside
  readonly what: string;
}

/** A stretch of a file inside batch.bytes; a walker moves `from` on. */
export interface Stretch {
  from: number; // first octet that is not yet walked
  have: number; // first octet that was not read from the file
  skip: number; // octets behind `have` that nobody wants: the rest of what is larger than batch.bytes
  damage: string | undefined; // what stands at `from` is impossible; nothing behind it can be found
}

/** Knows one format. What it learned on the way (byte order, interfaces) is kept between calls. */
export interface Walker {
  /**
   * Fills the columns of `batch`, from row 0, with the complete packets of the stretch: nothing is copied, the packets
   * stay where they are in batch.bytes. Stops at a full batch, an incomplete packet or damage.
   *
   * A packet larger than batch.bytes is delivered as far as it fits, once batch.bytes is full of it.
   */
  walk(stretch: Stretch, batch: PacketBatch): void;
  /** Whether packets with Apple's header were announced. */
  readonly hasPktap: boolean;
  /** Whether what waits can be the end of the file. @returns in words where it ends otherwise */
  endsInside(waiting: number): string | undefined;
}

/** libpcap's MAXIMUM_SNAPLEN and Wireshark's WTAP_MAX_PACKET_SIZE_STANDARD: longer packets are taken as damage. */
const LONGEST = 262_144; // octets
const LONGEST_OF_BUS = 1 << 27;

/** LINKTYPE_* of USB (Linux, memory-mapped, Windows, Darwin), D-Bus and Elektrobit HSCR: messages, not frames. */
const BUSES: readonly number[] = [189, 220, 249, 266, 231, 279];

/** Octets that a packet of this link type has at most, as max_snaplen_for_dlt() of libpcap has it. */
export function longestPacket(linkType: number): number {
  return BUSES.includes(linkType) ? LONGEST_OF_BUS : LONGEST;
}

/**
 * Whether `length` octets at `at` have to be taken as they are, although they are not complete: batch.bytes is full of
 * them.
 */
export function isLargerThanRoom(stretch: Stretch, at: number, length: number, room: number): boolean {
  return stretch.have - at < length && stretch.have - at >= room;
}
