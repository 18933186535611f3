/** Packets out of a capture file or a pipe, in constant memory. */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { UserError } from '../core/errors.ts';
import type { CaptureSource, CaptureStats, PacketBatch } from '../core/packet.ts';
import {
  type Damage,
  isPcap,
  notPcap,
  PCAP_HEADER,
  type PcapHeader,
  parsePcapHeader,
  RECORD_HEADER,
  type Stretch,
  walkRecords,
} from '../pcap/pcap.ts';

const READ = 1 << 20; // octets a read(); 256 KiB to 4 MiB measured the same
const PIPE_POLL_MS = 10;

/** Octets that PacketBatch.bytes should have for this source: one read and the longest usual record. */
export const FILE_BATCH_BYTES = READ + 262_144 + RECORD_HEADER;

export interface FileOptions {
  readonly path: string; // how the file is called in messages; opened when there is no `fd`
  readonly fd?: number; // already open (standard input, a pipe); stays open at close()
}

/**
 * Reads one classic pcap file. Damage is data: every packet before it is delivered, then `damage` says where and what,
 * and read() returns -1.
 *
 * A pipe is read as it grows: read() returns what is there, or 0 after `timeoutMs`. When the pipe cannot be opened a
 * second time (a socket, another user's pipe), read() waits as long as the other side makes it wait.
 */
export class PcapFileSource implements CaptureSource {
  readonly size: number | undefined; // octets; undefined: a pipe
  bytesRead = 0; // octets taken from the file
  damage: Damage | undefined;

  readonly #name: string;
  #ownFd: number | undefined;
  readonly fd: number; // of a pipe: readable when packets wait
  readonly #start = new Uint8Array(PCAP_HEADER);
  #header: PcapHeader | undefined;
  #bytes: Uint8Array = new Uint8Array(0); // batch.bytes of the last read(), which holds the rest of the stretch
  readonly #stretch: Stretch = { from: 0, have: 0, damage: undefined };
  #packets = 0;
  #ended = false;

  /** @throws UserError when the file cannot be opened, or is (as far as it has been read) no pcap file */
  constructor(options: FileOptions) {
    this.#name = options.path;
    let fd = options.fd;
    if (fd === undefined) fd = this.#ownFd = openFile(options.path, constants.O_RDONLY);
    try {
      const stats = fstatSync(fd);
      if (stats.isFIFO()) {
        const again = reopenNonBlocking(fd);
        if (again !== undefined) {
          if (this.#ownFd !== undefined) closeSync(this.#ownFd);
          fd = this.#ownFd = again;
        }
      }
      this.fd = fd;
      this.size = stats.isFile() ? stats.size : undefined;
      if (stats.isFile() || stats.isDirectory()) this.#readHeader(0); // others may have nothing to say yet
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** @throws UserError when the first octets of a pipe are not those of a pcap file */
  read(into: PacketBatch, timeoutMs: number): number {
    into.count = 0;
    if (this.#header === undefined && !this.#ended) this.#readHeader(timeoutMs);
    this.#moveTo(into.bytes);
    while (!this.#ended) {
      if (this.#header === undefined) return 0;
      walkRecords(this.#header, this.#stretch, into);
      this.#packets += into.count;
      if (into.count > 0) return into.count; // damage behind them is found again by the next read()
      if (this.#stretch.damage !== undefined) this.#endAt(this.#stretch.damage);
      else if (!this.#fill(timeoutMs)) return 0;
    }
    return -1;
  }

  stats(): CaptureStats {
    return { received: this.#packets, kernelDrops: undefined, interfaceDrops: undefined };
  }

  close(): void {
    this.#ended = true;
    if (this.#ownFd !== undefined) closeSync(this.#ownFd);
    this.#ownFd = undefined;
  }

  #readHeader(timeoutMs: number): void {
    while (this.bytesRead < PCAP_HEADER) {
      const got = this.#readSome(this.#start, this.bytesRead, PCAP_HEADER - this.bytesRead, timeoutMs);
      if (got === undefined) return;
      if (got > 0) continue;
      const start = this.#start.subarray(0, this.bytesRead);
      if (!isPcap(start)) throw notPcap(start, this.#name);
      this.#endAt('the file ends inside its header');
      return;
    }
    this.#header = parsePcapHeader(this.#start, this.#name);
  }

  /** Takes what is not yet walked along when the caller alternates between batches. */
  #moveTo(bytes: Uint8Array): void {
    if (bytes === this.#bytes) return;
    const stretch = this.#stretch;
    const rest = this.#bytes.subarray(stretch.from, stretch.have);
    if (rest.length > bytes.length) throw new RangeError('batches of one source must have the same size');
    bytes.set(rest);
    this.#bytes = bytes;
    stretch.from = 0;
    stretch.have = rest.length;
  }

  /** Appends octets of the file behind an incomplete record. @returns false when none came within `timeoutMs` */
  #fill(timeoutMs: number): boolean {
    const stretch = this.#stretch;
    this.#bytes.copyWithin(0, stretch.from, stretch.have);
    stretch.have -= stretch.from;
    stretch.from = 0;
    const room = Math.min(READ, this.#bytes.length - stretch.have);
    const got = this.#readSome(this.#bytes, stretch.have, room, timeoutMs);
    if (got === undefined) return false;
    stretch.have += got;
    if (got > 0) return true;
    if (stretch.have === 0) this.#ended = true;
    else
      this.#endAt(
        stretch.have < RECORD_HEADER ? 'the file ends inside a record header' : 'the file ends inside a packet',
      );
    return true;
  }

  #endAt(what: string): void {
    const unread = this.#stretch.have - this.#stretch.from;
    this.damage ??= { offset: this.bytesRead - unread, what };
    this.#ended = true;
  }

  /** @returns octets read, 0 at the end, undefined when none came within `timeoutMs` */
  #readSome(bytes: Uint8Array, at: number, length: number, timeoutMs: number): number | undefined {
    for (let waitedMs = 0; ; waitedMs += PIPE_POLL_MS) {
      try {
        const got = readSync(this.fd, bytes, at, length, null);
        this.bytesRead += got;
        return got;
      } catch (error) {
        const code = (error as NodeJS.ErrnoException).code;
        if (code !== 'EAGAIN') return this.#readFailed(error as NodeJS.ErrnoException);
      }
      if (waitedMs >= timeoutMs) return undefined;
      sleep(Math.min(PIPE_POLL_MS, timeoutMs - waitedMs));
    }
  }

  /** Before the first packet the person can act on it; later it is damage like any other. */
  #readFailed(error: NodeJS.ErrnoException): number {
    if (this.#header === undefined) throw openError(error, this.#name);
    this.#endAt(`the file cannot be read any further (${error.code})`);
    return 0;
  }
}

function openFile(path: string, flags: number): number {
  try {
    return openSync(path, flags);
  } catch (error) {
    throw openError(error as NodeJS.ErrnoException, path);
  }
}

function openError(error: NodeJS.ErrnoException, name: string): UserError {
  switch (error.code) {
    case 'ENOENT':
      return new UserError('no-such-file', `${name}: no such file`, 'Check the path.');
    case 'EACCES':
    case 'EPERM':
      return new UserError('no-permission', `${name}: no permission to read it`, 'Run as a user who may, or as root.');
    case 'EISDIR':
      return new UserError('not-pcap', `${name} is a directory`, 'Name a capture file inside it.');
    default:
      return new UserError(
        'unreadable-file',
        `${name} cannot be read: ${error.code ?? error.message}`,
        'Check the file.',
      );
  }
}

/**
 * A second open file description of the same pipe, so that O_NONBLOCK does not reach the other holders of `fd`.
 * Opening a FIFO blocking first and this way second is also what tells "no writer yet" from "writer gone".
 */
function reopenNonBlocking(fd: number): number | undefined {
  try {
    return openSync(`/proc/self/fd/${fd}`, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch {
    return undefined; // no /proc, or a pipe of another user: reads then block
  }
}

const never = new Int32Array(new SharedArrayBuffer(4));

function sleep(ms: number): void {
  Atomics.wait(never, 0, 0, ms);
}
