/**
 * Files below one folder (/proc, /sys, /etc, or a fixture). What others can make happen at any time, a process
 * that ended or a right that is missing, is data: undefined and a counter. Anything else is thrown.
 *
 * Synchronous on purpose: fs.promises needed 5 times as long for a scan of descriptors (measured).
 */
import { closeSync, openSync, readdirSync, readlinkSync, readSync, statSync } from 'node:fs';

/** Most octets read of one file. /proc/net/tcp with 100,000 sockets has 15 MB. */
const MAX_FILE = 256 * 1024 * 1024;

/** What could not be read since the object was made. */
export interface ProcFsCounts {
  vanished: number; // ENOENT, ESRCH: the process or file is gone
  denied: number; // EACCES, EPERM: it is there, this user may not read it
  broken: number; // EIO, EINVAL, ENAMETOOLONG, ENOTDIR, ELOOP: its owner made it unreadable
}

const CLASS: Readonly<Record<string, keyof ProcFsCounts>> = {
  ENOENT: 'vanished',
  ESRCH: 'vanished',
  EACCES: 'denied',
  EPERM: 'denied',
  EIO: 'broken',
  EINVAL: 'broken',
  ENAMETOOLONG: 'broken', // readlink of an exe whose path is longer than a page
  ENOTDIR: 'broken',
  ELOOP: 'broken',
};

export class ProcFs {
  readonly root: string;
  readonly counts: ProcFsCounts = { vanished: 0, denied: 0, broken: 0 };
  #buffer = Buffer.allocUnsafeSlow(64 * 1024);

  constructor(root = '/proc') {
    this.root = root;
  }

  /**
   * The whole file, or its first `limit` octets. The size that stat shows is 0 for kernel files and is not asked.
   *
   * @returns a view of a buffer that the next read() overwrites
   */
  read(path: string, limit = MAX_FILE): Buffer | undefined {
    let fd = -1;
    try {
      fd = openSync(`${this.root}/${path}`, 'r');
      let length = 0;
      while (length < limit) {
        if (length === this.#buffer.length) this.#grow();
        const room = Math.min(this.#buffer.length, limit) - length;
        const got = readSync(fd, this.#buffer, length, room, null);
        if (got === 0) break;
        length += got;
      }
      return this.#buffer.subarray(0, length);
    } catch (error) {
      return this.#missing(error);
    } finally {
      if (fd >= 0) closeSync(fd);
    }
  }

  /** read() as text with one character an octet, so that offsets and hostile octets survive. */
  readText(path: string, limit = MAX_FILE): string | undefined {
    return this.read(path, limit)?.toString('latin1');
  }

  /** Target of a symbolic link, one character an octet. */
  readLink(path: string): string | undefined {
    try {
      return readlinkSync(`${this.root}/${path}`, 'latin1');
    } catch (error) {
      return this.#missing(error);
    }
  }

  /** Names in a folder, in the order of the kernel. */
  readDir(path: string): string[] | undefined {
    try {
      return readdirSync(`${this.root}/${path}`, 'latin1');
    } catch (error) {
      return this.#missing(error);
    }
  }

  /** Names of the folders in a folder, which is given as readDir() gives names: one character an octet. */
  readFolders(path: string): string[] | undefined {
    try {
      const entries = readdirSync(this.#octets(path), { withFileTypes: true, encoding: 'latin1' });
      return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
    } catch (error) {
      return this.#missing(error);
    }
  }

  /** Of the file that the path leads to, through links; the path as for readFolders(). */
  inode(path: string): number | undefined {
    try {
      return statSync(this.#octets(path)).ino;
    } catch (error) {
      return this.#missing(error);
    }
  }

  /** Text that changes when the file is replaced or written. */
  version(path: string): string | undefined {
    try {
      const stat = statSync(`${this.root}/${path}`);
      return `${stat.ino}:${stat.size}:${stat.mtimeMs}`;
    } catch (error) {
      return this.#missing(error);
    }
  }

  /** Octets as stat(2) says; of /proc/PID/fd the number of descriptors since Linux 6.2, 0 before. */
  size(path: string): number | undefined {
    try {
      return statSync(`${this.root}/${path}`).size;
    } catch (error) {
      return this.#missing(error);
    }
  }

  #octets(path: string): Buffer {
    return Buffer.concat([Buffer.from(`${this.root}/`), Buffer.from(path, 'latin1')]);
  }

  #grow(): void {
    const next = Buffer.allocUnsafeSlow(this.#buffer.length * 2);
    this.#buffer.copy(next);
    this.#buffer = next;
  }

  #missing(error: unknown): undefined {
    const kind = CLASS[(error as NodeJS.ErrnoException).code ?? ''];
    if (kind === undefined) throw error;
    this.counts[kind]++;
    return undefined;
  }
}
