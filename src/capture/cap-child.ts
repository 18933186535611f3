/**
 * Captures with the npm package cap in a process of its own and writes a classic pcap stream to standard output.
 * Arguments: device, filter, octets of the kernel's ring. Standard error gets one line of cap-words.ts, `ready` when
 * packets flow; it ends on SIGTERM and at the end of standard input.
 *
 * Of its own, because cap aborts its process when an interface goes down, and cannot be loaded in a worker thread.
 * cap hands over neither time stamps nor original lengths: times are taken at delivery, lengths are those captured.
 */
import { writeSync } from 'node:fs';
import { LinkType } from '../core/packet.ts';
import { CapExit, CapWord } from './cap-words.ts';

/** What is used of cap 0.2.1; it comes without types. */
interface CapModule {
  readonly Cap: new () => CapSession;
}
interface CapSession {
  open(device: string, filter: string, ringBytes: number, packet: Buffer): string; // the link type's name
  on(event: 'packet', listener: (octets: number) => void): void;
}

const SNAPLEN = 65_535; // cap's own, not to be changed
const HEADER = 24;
const RECORD = 16;
const FLUSH_ROOM = RECORD + SNAPLEN;

const LINK_TYPES: Readonly<Record<string, number>> = {
  NULL: LinkType.Null,
  ETHERNET: LinkType.Ethernet,
  RAW: LinkType.Raw,
  LINKTYPE_LINUX_SLL: LinkType.LinuxSll,
};

const packet = Buffer.alloc(SNAPLEN); // cap keeps no reference of its own: without this one it writes into freed memory
const stream = Buffer.alloc(1 << 20);
let pending = 0; // octets of `stream` not yet written
let clockOffsetMs = 0; // realtime minus performance.now()

function main([device, filter, ringBytes]: readonly string[]): void {
  process.stdin.on('end', () => end(CapExit.Done)).resume(); // the recorder is gone
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => end(CapExit.Done));
  const session = new (loadCap().Cap)();
  session.on('packet', onPacket);
  writeHeader(open(session, device ?? '', filter ?? '', Number(ringBytes)));
  flush();
  writeSync(2, `${CapWord.Ready}\n`);
}

function loadCap(): CapModule {
  try {
    return require('cap') as CapModule;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const text = code === 'MODULE_NOT_FOUND' ? 'the package cap is not installed' : message;
    return fail(CapExit.NotInstalled, `${CapWord.NotInstalled} ${text}`);
  }
}

/** @returns LINKTYPE_* number */
function open(session: CapSession, device: string, filter: string, ringBytes: number): number {
  try {
    const name = session.open(device, filter, ringBytes, packet);
    const linkType = LINK_TYPES[name] ?? Number(/^Unknown linktype (\d+)$/.exec(name)?.[1]);
    if (!Number.isNaN(linkType)) return linkType;
    return fail(CapExit.OpenFailed, `${CapWord.OpenFailed} no number is known for the link type ${name}`);
  } catch (error) {
    return fail(CapExit.OpenFailed, `${CapWord.OpenFailed} ${(error as Error).message}`); // a second try on the same object would crash
  }
}

function writeHeader(linkType: number): void {
  stream.writeUInt32LE(0xa1b23c4d, 0); // nanoseconds
  stream.writeUInt16LE(2, 4);
  stream.writeUInt16LE(4, 6);
  stream.writeUInt32LE(SNAPLEN, 16);
  stream.writeUInt32LE(linkType, 20);
  pending = HEADER;
}

function onPacket(octets: number): void {
  if (pending === 0) setImmediate(flush); // after the burst that cap is delivering
  const us = nowUs();
  stream.writeUInt32LE(Math.floor(us / 1e6), pending);
  stream.writeUInt32LE(Math.floor(us % 1e6) * 1000, pending + 4);
  stream.writeUInt32LE(octets, pending + 8);
  stream.writeUInt32LE(octets, pending + 12);
  packet.copy(stream, pending + RECORD, 0, octets);
  pending += RECORD + octets;
  if (stream.length - pending < FLUSH_ROOM) flush();
}

/** Microseconds since the epoch: the fine clock, set again when the real one has been stepped. */
function nowUs(): number {
  const fineMs = performance.now();
  const realMs = Date.now();
  if (Math.abs(fineMs + clockOffsetMs - realMs) > 2) clockOffsetMs = realMs - fineMs;
  return (fineMs + clockOffsetMs) * 1000;
}

/** Blocks while the pipe is full: the kernel's ring is the queue. */
function flush(): void {
  let at = 0;
  try {
    while (at < pending) at += writeSync(1, stream, at, pending - at);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EPIPE') process.exit(CapExit.Done); // nobody reads any more
    throw error;
  }
  pending = 0;
}

/** Without close(): cap's has a use after free, and the kernel closes the ring. */
function end(code: number): never {
  flush();
  process.exit(code);
}

function fail(code: number, text: string): never {
  writeSync(2, `${text}\n`);
  process.exit(code);
}

main(process.argv.slice(2));
