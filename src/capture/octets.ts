/** Octets of a file or a pipe, in order and only once. */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { UserError } from '../core/errors.ts';

const PIPE_POLL_MS = 10;

export interface OctetSource {
  readonly size: number | undefined; // octets of the file, compressed ones included; undefined: a pipe
  readonly taken: number; // octets taken from the file
  /** Why the octets ended before the file did, in words. */
  readonly trouble: string | undefined;
  /** @returns octets put into `bytes` at `at`, 0 at the end, undefined when none came within `timeoutMs` */
  read(bytes: Uint8Array, at: number, length: number, timeoutMs: number): number | undefined;
  /** Resolves when read() is worth another try. */
  more(): Promise<void>;
  close(): void;
}

export interface DescriptorOptions {
  readonly path: string; // how the file is called in messages; opened when there is no `fd`
  readonly fd?: number | undefined; // already open; stays open at close()
  readonly follow?: boolean; // the end of a file is where its writer is now
  readonly onOctets?: ((octets: Uint8Array) => void) | undefined; // gets all that are read, in their order
}

/**
 * A descriptor, read synchronously. A pipe is read as it grows. When a pipe cannot be opened a second time (another
 * user's), read() waits as long as the other side makes it wait.
 */
export class Descriptor implements OctetSource {
  readonly fd: number; // of a pipe: readable when octets wait
  readonly size: number | undefined;
  readonly kind: 'file' | 'pipe' | 'other';
  taken = 0;
  trouble: string | undefined;
  readonly #name: string;
  readonly #onOctets: ((octets: Uint8Array) => void) | undefined;
  #ownFd: number | undefined;
  #isFollowed: boolean;

  /** @throws UserError when the file cannot be opened */
  constructor({ path, fd: given, follow = false, onOctets }: DescriptorOptions) {
    this.#name = path;
    this.#onOctets = onOctets;
    this.#isFollowed = follow;
    let fd = given;
    if (fd === undefined) fd = this.#ownFd = openFile(path);
    const stats = fstatSync(fd);
    if (stats.isFIFO()) {
      const again = reopenNonBlocking(fd);
      if (again !== undefined) {
        this.close();
        fd = this.#ownFd = again;
      }
    }
    this.fd = fd;
    this.size = stats.isFile() ? stats.size : undefined;
    this.kind = stats.isFile() || stats.isDirectory() ? 'file' : stats.isFIFO() ? 'pipe' : 'other';
  }

  read(bytes: Uint8Array, at: number, length: number, timeoutMs: number): number | undefined {
    for (let waitedMs = 0; ; waitedMs += PIPE_POLL_MS) {
      const got = this.#tryRead(bytes, at, length);
      if (got !== undefined) return got;
      if (waitedMs >= timeoutMs) return undefined;
      sleep(Math.min(PIPE_POLL_MS, timeoutMs - waitedMs));
    }
  }

  more(): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, PIPE_POLL_MS));
  }

  /** What is in the file by now is its end. */
  stopFollowing(): void {
    this.#isFollowed = false;
  }

  close(): void {
    if (this.#ownFd !== undefined) closeSync(this.#ownFd);
    this.#ownFd = undefined;
  }

  #tryRead(bytes: Uint8Array, at: number, length: number): number | undefined {
    try {
      const got = readSync(this.fd, bytes, at, length, null);
      this.taken += got;
      this.#onOctets?.(bytes.subarray(at, at + got));
      return got === 0 && this.#isFollowed ? undefined : got;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EAGAIN') return undefined;
      if (this.taken === 0) throw openError(error as NodeJS.ErrnoException, this.#name); // the person can act on it
      this.trouble = `the file cannot be read any further (${code})`;
      return 0;
    }
  }
}

function openFile(path: string): number {
  try {
    return openSync(path, constants.O_RDONLY);
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
    case 'ENXIO':
      return new UserError(
        'unreadable-file',
        `${name} is a socket or a device that cannot be opened`,
        'Let its writer write into a pipe: WRITER | pcapid read -',
      );
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
