/** Where packets go on their way from one file to others, and what is added to them. */
import { PacketType } from '../core/packet.ts';
import type { Output } from './output.ts';

/** Way of a packet at its interface, bits 0 and 1 of epb_flags. */
export const Way = { Unknown: 0, Inbound: 1, Outbound: 2 } as const;

/** A Way for a PacketType. */
export function wayOf(type: number): number {
  if (type === PacketType.Unknown) return Way.Unknown;
  return type === PacketType.Outgoing ? Way.Outbound : Way.Inbound;
}

/** Octets are in the byte order of the section. */
export interface PacketEdit {
  readonly before: readonly Uint8Array[]; // blocks that go before that of the packet
  readonly options: Uint8Array; // of the packet, without the one that ends them
  readonly once: number; // code of one of these that a packet may have only once; 0: none
  readonly way: number; // a Way, for packets that do not have it
}

export interface PacketEdits {
  /** All there are: what is no packet goes to each. */
  readonly outputs: readonly Output[];
  /** Where the packet in that row of the batch goes: always the same list for the same outputs. */
  outputsOf(row: number): readonly Output[];
  /** Whether blocks are written that speak of processes: files that have some already cannot be mixed with them. */
  readonly hasBlocks: boolean;
  beginSection(littleEndian: boolean): void;
  /** For a packet that goes somewhere, asked once; undefined: it stays as it is. */
  edit(row: number): PacketEdit | undefined;
}

/** What a copy has done. */
export interface CopyCounts {
  packets: number; // that went somewhere
  marked: number; // packets to which something was added
  refused: number; // packets that should have got something and are in a block without room for it, or name a process
}
