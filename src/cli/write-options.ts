/** Options of a command that writes the packets it captures into files, and what they mean together. */
import { release, type as systemType } from 'node:os';
import { extname } from 'node:path';
import { type Command, Option } from 'commander';
import { STYLES, type Style } from '../app/annotate/styles.ts';
import type { WriterCounts } from '../app/record/messages.ts';
import { checkCapturePath, STDOUT } from '../app/record/write/capture-files.ts';
import type { WriteOptions } from '../app/record/write/writer-link.ts';
import { UserError } from '../core/errors.ts';
import { SECOND_US, type Us } from '../core/time.ts';
import { countText, formatSize } from '../report/size.ts';
import type { Context } from './context.ts';
import { parseSize } from './parse-size.ts';
import { parseDuration } from './time-range.ts';
import { VERSION } from './version.ts';

/** Octets kept of a packet that is written: all, as other programs that write packets have it. */
const WHOLE_PACKETS = 262_144;
/** A file has room for what stands before the first packet. */
const LEAST_BYTES = 1 << 16;
const MILLION = 1_000_000;
/** Options that say how packets are written. */
const HOW = ['rotateSize', 'rotateTime', 'rotateCount', 'style', 'everyPacket', 'force'] as const;

export interface WriteFlags {
  readonly write?: string;
  readonly rotateSize?: number;
  readonly rotateTime?: Us;
  readonly rotateCount?: number;
  readonly style: Style;
  readonly everyPacket: boolean;
  readonly force: boolean;
  readonly snaplen: number;
}

export function addWriteOptions(command: Command): Command {
  return command
    .option('-w, --write <file>', 'write the packets too, as pcapng with their owners; - is standard output')
    .option(
      '-C, --rotate-size <size>',
      'begin another file when one is larger, e.g. 100MB (a number: millions)',
      parseFileSize,
    )
    .option(
      '-G, --rotate-time <duration>',
      'begin another file after this time, e.g. 1h (a number: seconds)',
      parseFileTime,
    )
    .option('-W, --rotate-count <count>', 'keep so many files, delete the oldest', parseFileCount)
    .addOption(new Option('--style <style>', 'how owners are written into packets').choices(STYLES).default('comments'))
    .option('--every-packet', 'owners on every packet, not only on the first of its flow', false)
    .option('--force', 'replace the file of -w if it exists', false);
}

/** What was asked for, made whole: without a word about it, packets that are written are whole. @throws UserError */
export function completeWriteFlags<F extends WriteFlags>(command: Command, flags: F): F {
  const isSet = (name: string): boolean => command.getOptionValueSource(name) === 'cli';
  if (flags.write === undefined) {
    const name = HOW.find(isSet);
    if (name === undefined) return flags;
    const long = command.options.find((option) => option.attributeName() === name)!.long;
    throw new UserError(
      'no-write',
      `${long} says how packets are written, but none are`,
      'Add -w FILE, or leave it out.',
    );
  }
  if (flags.rotateCount !== undefined && !rotates(flags)) {
    throw new UserError(
      'bad-rotation',
      '-W counts files, but there is only one',
      'Say when to begin another: -C SIZE or -G SECONDS.',
    );
  }
  if (flags.write === STDOUT && rotates(flags)) {
    throw new UserError('bad-rotation', 'standard output is one stream: -C and -G need files', 'Name a file with -w.');
  }
  const isDefault = command.getOptionValueSource('snaplen') === 'default';
  return isDefault ? { ...flags, snaplen: WHOLE_PACKETS } : flags;
}

const rotates = ({ rotateSize, rotateTime }: WriteFlags): boolean =>
  rotateSize !== undefined || rotateTime !== undefined;

/** Where the capture comes from, for the header of the file. */
interface Origin {
  readonly filter: string;
  readonly isOneInterface: boolean;
  readonly command: string;
  readonly hostName: string;
  readonly bootId: string;
}

/** @returns null when no packets are to be written. @throws UserError when they cannot */
export function writingOf(
  flags: WriteFlags,
  { filter, isOneInterface, command, hostName, bootId }: Origin,
): WriteOptions | null {
  const { write: path, force, style, everyPacket, snaplen, rotateCount = Infinity } = flags;
  if (path === undefined) return null;
  const files = { path, force, rotates: rotates(flags), keep: rotateCount };
  checkCapturePath(files);
  return {
    files,
    style,
    every: everyPacket,
    capture: {
      heading: `pcapid ${VERSION}: ${command}; host ${hostName}, boot ${bootId}`,
      program: `pcapid ${VERSION}`,
      system: `${systemType()} ${release()}`,
      filter,
      snaplen,
      isOneInterface,
      mostBytes: flags.rotateSize ?? Infinity,
      mostUs: flags.rotateTime ?? Infinity,
    },
  };
}

/** @throws UserError when octets would go to a person */
export function refuseTerminal({ write }: WriteFlags, isTerminal: boolean): void {
  if (write !== STDOUT || !isTerminal) return;
  const hint = 'Pipe it: pcapid record -w - | wireshark -k -i -';
  throw new UserError('terminal', 'standard output is a terminal: packets are no text', hint);
}

/** What became of the packets, on stderr. A file that misses some because it could not be written is an error. */
export function printCaptureFiles(
  context: Context,
  path: string,
  { packets, bytes, files, marked, lost, isUnread, failure }: WriterCounts,
): void {
  const extension = extname(path);
  const rotated = `${path.slice(0, path.length - extension.length)}_*${extension}`;
  const where = path === STDOUT ? 'standard output' : files > 1 ? `${files} files ${rotated}` : path;
  const owners = `${marked} of them tell the owners of their flows`;
  context.err(`${countText(packets, 'packet')} written to ${where}, ${formatSize(bytes)}, ${owners}\n`);
  if (failure !== null) context.exitCode = 2;
  const writing =
    failure === null ? 'there was no room, or too little time' : `${path} could not be written (${failure})`;
  const reason = isUnread ? 'who read them has gone' : writing;
  if (lost > 0) context.err(`${countText(lost, 'packet')} not written: ${reason}\n`);
}

/** As of tcpdump: a number alone counts millions of octets. */
function parseFileSize(text: string): number {
  const millions = /^\d+$/.test(text.trim()) ? `${Number(text) * MILLION}` : text;
  return parseSize(millions, '-C', LEAST_BYTES);
}

function parseFileTime(text: string): Us {
  const us = /^\d+$/.test(text.trim()) ? Number(text) * SECOND_US : parseDuration(text, '-G');
  if (us > 0) return us;
  throw new UserError('bad-duration', `-G: ${text} is no time`, 'Write a number of seconds, or 10m, 1h.');
}

function parseFileCount(text: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count > 0) return count;
  throw new UserError('bad-count', `-W: ${text} is not a number of files`, 'Write a whole number from 1.');
}
