import type { PacketEdit } from '../../pcap/packet-edits.ts';

/** How owners are written: as comments of packets, or as blocks that packets refer to. */
export interface OwnerStyle {
  readonly hasBlocks: boolean;
  beginSection(littleEndian: boolean): void;
  /**
   * What a packet gets that was sent by the end `src` (FlowSide) of that flow; undefined: nothing.
   *
   * @param way as the file tells it, a Way
   */
  edit(serial: number, src: number, way: number): PacketEdit | undefined;
}
