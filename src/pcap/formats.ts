/** Which format a file is in, from its first octets. */
import { UserError } from '../core/errors.ts';
import type { FastPath } from '../core/fast-path.ts';
import type { InterfaceNumbers } from './interface-numbers.ts';
import { PcapWalker, pcapOrder } from './pcap.ts';
import { PcapngWalker } from './pcapng.ts';
import type { Walker } from './stretch.ts';

/** Octets that tell the format; parsing needs PCAP_HEADER of them. */
const MAGIC = 4;
export const PCAP_HEADER = 24;

export type Compression = 'gzip' | 'zstd' | 'lz4';

const COMPRESSIONS: readonly (readonly [magic: readonly number[], name: Compression])[] = [
  [[0x1f, 0x8b], 'gzip'],
  [[0x28, 0xb5, 0x2f, 0xfd], 'zstd'],
  [[0x04, 0x22, 0x4d, 0x18], 'lz4'],
];

/** What cannot be read, and who can make something readable of it. */
const OTHERS: readonly (readonly [magic: readonly number[], what: string, hint: string])[] = [
  [[0xfd, 0x37, 0x7a, 0x58], 'compressed with xz, which is not read', 'Decompress it: xz -dc FILE | pcapid read -'],
  [[0x42, 0x5a, 0x68], 'compressed with bzip2, which is not read', 'Decompress it: bzip2 -dc FILE | pcapid read -'],
  [
    [0x53, 0x51, 0x4c, 0x69, 0x74, 0x65, 0x20, 0x66],
    'an SQLite database',
    'If pcapid made it: pcapid flows --db FILE, and so on.',
  ],
  [[0x50, 0x4b, 0x03, 0x04], 'a zip archive', 'Unpack it first.'],
  [[0x73, 0x6e, 0x6f, 0x6f, 0x70], 'a snoop file, which is not read', 'Convert it: editcap -F pcapng IN OUT.pcapng'],
  [[0x54, 0x52, 0x53, 0x4e], 'a Sniffer file, which is not read', 'Convert it: editcap -F pcapng IN OUT.pcapng'],
];

const begins = (bytes: Uint8Array, magic: readonly number[]): boolean => magic.every((octet, i) => bytes[i] === octet);

/** How the octets are compressed; undefined: not at all, or in a way that is not known. */
export function compressionOf(bytes: Uint8Array): Compression | undefined {
  return COMPRESSIONS.find(([magic]) => begins(bytes, magic))?.[1];
}

const isPcapng = (bytes: Uint8Array): boolean => begins(bytes, [0x0a, 0x0d, 0x0d, 0x0a]);

/** Whether the first octets are those of a capture file that is read; MAGIC octets decide it. */
export function isCapture(bytes: Uint8Array): boolean {
  return bytes.length >= MAGIC && (isPcapng(bytes) || pcapOrder(bytes) !== undefined);
}

/**
 * @param bytes the first PCAP_HEADER octets of the file
 * @param name what the file is called in messages
 * @param numbers of the interfaces of all files of the capture
 * @returns the walker, and where in the file it has to begin
 * @throws UserError when this is no format that is read
 */
export function walkerFor(
  bytes: Uint8Array,
  name: string,
  numbers?: InterfaceNumbers,
  fast?: FastPath,
): { readonly walker: Walker; readonly from: number } {
  if (isPcapng(bytes)) return { walker: new PcapngWalker(numbers), from: 0 };
  if (pcapOrder(bytes) === undefined) throw notCapture(bytes, name);
  return { walker: new PcapWalker(bytes, name, fast), from: PCAP_HEADER };
}

/** Says what a file is instead. */
export function notCapture(bytes: Uint8Array, name: string): UserError {
  if (bytes.length === 0) {
    return new UserError('not-pcap', `${name} is empty`, 'A capture file has at least a header of 24 octets.');
  }
  for (const [magic, what, hint] of OTHERS) {
    if (begins(bytes, magic)) return new UserError('not-pcap', `${name} is ${what}`, hint);
  }
  const hint = 'pcap and pcapng are read, also in gzip, zstd or lz4; editcap -F pcapng converts most others.';
  return new UserError('not-pcap', `${name} is not a capture file`, hint);
}
