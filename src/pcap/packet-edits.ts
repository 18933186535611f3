/** What is added to packets on their way from one file to another. */

/** Way of a packet at its interface, bits 0 and 1 of epb_flags. */
export const Way = { Unknown: 0, Inbound: 1, Outbound: 2 } as const;

export interface PacketEdits {
  /** Comment for the packet in that row of the batch; undefined: it stays as it is. */
  comment(row: number): string | undefined;
  /** A Way, for packets with a comment. */
  way(row: number): number;
}

/** What a copy has done. */
export interface CopyCounts {
  packets: number;
  comments: number;
  refused: number; // packets that should have got a comment and are in a block without room for one
}
