/** Numbers of draft-ietf-opsawg-pcapng, and of those who write blocks and options of their own. */

export const BlockType = {
  SectionHeader: 0x0a0d0d0a, // the same in both byte orders
  InterfaceDescription: 1,
  Packet: 2, // obsolete
  SimplePacket: 3,
  InterfaceStatistics: 5,
  EnhancedPacket: 6,
  HoneProcess: 0x101,
  HoneConnection: 0x102,
  Custom: 0xbad,
  CustomNoCopy: 0x40000bad,
  DarwinProcess: 0x80000001,
} as const;

export const BLOCK_BODY = 8; // octets from the block's start: type and length stand before it
export const BLOCK_LEAST = 12; // octets of an empty block; the last four repeat the length

/** Codes of options, by the block that has them. */
export const Option = { End: 0, Comment: 1 } as const;
export const SectionOption = { System: 3, Program: 4 } as const;
export const InterfaceOption = {
  Name: 2,
  Description: 3,
  TimeResolution: 9,
  Filter: 11, // one octet 0, then the text
  System: 12,
  FcsLength: 13,
  TimeOffset: 14,
} as const;
export const StatisticsOption = {
  InterfaceDrops: 5, // packets that the interface had no room for
  Accepted: 6, // packets that passed the filter
  KernelDrops: 7, // packets that the system had no room for
  Delivered: 8, // packets that were given to the writer of the file
} as const;
export const PacketOption = {
  Flags: 2,
  Process: 8, // process and thread id
  HoneConnection: 257,
  HoneProcess: 258,
  DarwinProcess: 0x8001, // index of a process block of this section
  DarwinEffective: 0x8003, // the same of the process on whose behalf
} as const;

/** Values of InterfaceOption.TimeResolution: digits behind the second. */
export const TimeResolution = { Microseconds: 6, Nanoseconds: 9 } as const;

/** Octets `from` to `from + length` are the value, inside what was asked for. */
export type OnOption = (code: number, from: number, length: number) => void;

/** Calls `onOption` for each option between `at` and `end`. What comes behind a damaged one cannot be known. */
export function forEachOption(
  view: DataView,
  at: number,
  end: number,
  littleEndian: boolean,
  onOption: OnOption,
): void {
  for (let next = at; end - next >= 4; ) {
    const code = view.getUint16(next, littleEndian);
    const length = view.getUint16(next + 2, littleEndian);
    const value = next + 4;
    if (code === Option.End || length > end - value) return;
    onOption(code, value, length);
    next = value + Math.ceil(length / 4) * 4;
  }
}
