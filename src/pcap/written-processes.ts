/**
 * Blocks that name processes, and the options by which packets refer to them: Wireshark's Process Information Block
 * inside a custom block (wiretap/pcapng-wireshark-custom.c) and Apple's (epan/dissectors/packet-darwin.c).
 */
import { encodeHostile } from '../core/text.ts';
import { BlockType, Option, PacketOption } from './pcapng-blocks.ts';
import { DarwinOption, ENTRY_PROCESS, InfoOption, WIRESHARK } from './process-blocks.ts';
import { joined, octetsOption, wordsOption } from './written-options.ts';

/** What such blocks have room for; texts as decodeHostile() gave them. */
export interface WrittenProcess {
  readonly pid: number;
  readonly comm: string | null;
  readonly exe: string | null;
  readonly argv: readonly string[] | null;
  readonly parentPid: number | null;
  readonly uid: number | null;
}

const MOST_ARGUMENTS = 0xffff; // octets

/** Its start is left out: Wireshark wants it since the epoch, and only that since boot is known. */
export function infoBlock(process: WrittenProcess, littleEndian: boolean): Uint8Array {
  const parts = [word(process.pid, true)]; // entries are little-endian in every section
  if (process.comm !== null) parts.push(octetsOption(InfoOption.Name, encodeHostile(process.comm), true));
  if (process.exe !== null) parts.push(octetsOption(InfoOption.Path, encodeHostile(process.exe), true));
  if (process.argv !== null) parts.push(octetsOption(InfoOption.Arguments, argumentsOf(process.argv), true));
  if (process.parentPid !== null) parts.push(wordsOption(InfoOption.ParentPid, [process.parentPid], true));
  if (process.uid !== null) parts.push(wordsOption(InfoOption.Uid, [process.uid], true));
  parts.push(word(Option.End, true));
  const entry = joined(parts);
  const head = [word(WIRESHARK, littleEndian), word(ENTRY_PROCESS, true), word(entry.length, true)];
  return block(BlockType.Custom, joined([...head, entry]), littleEndian);
}

export function darwinBlock(process: WrittenProcess, littleEndian: boolean): Uint8Array {
  const parts = [word(process.pid, littleEndian)];
  if (process.comm !== null) parts.push(octetsOption(DarwinOption.Name, encodeHostile(process.comm), littleEndian));
  if (process.exe !== null) parts.push(octetsOption(DarwinOption.Path, encodeHostile(process.exe), littleEndian));
  parts.push(word(Option.End, littleEndian));
  return block(BlockType.DarwinProcess, joined(parts), littleEndian);
}

/** The thread is not known. */
export function processOption(pid: number, littleEndian: boolean): Uint8Array {
  return wordsOption(PacketOption.Process, [pid, 0], littleEndian);
}

/** @param index of a block in its section. @param other that of the other end; undefined: it has none */
export function darwinOptions(index: number, other: number | undefined, littleEndian: boolean): Uint8Array {
  const first = wordsOption(PacketOption.DarwinProcess, [index], littleEndian);
  if (other === undefined) return first;
  return joined([first, wordsOption(PacketOption.DarwinEffective, [other], littleEndian)]);
}

/** Each ends in a zero. */
function argumentsOf(argv: readonly string[]): Uint8Array {
  const parts: Uint8Array[] = [];
  let length = 0;
  for (const text of argv) {
    const octets = encodeHostile(text);
    length += octets.length + 1;
    if (length > MOST_ARGUMENTS) break;
    parts.push(octets, Uint8Array.of(0));
  }
  return joined(parts);
}

function block(type: number, body: Uint8Array, littleEndian: boolean): Uint8Array {
  const total = word(body.length + 12, littleEndian);
  return joined([word(type, littleEndian), total, body, total]);
}

function word(value: number, littleEndian: boolean): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, littleEndian);
  return bytes;
}
