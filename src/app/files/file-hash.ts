import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';

const HASHED_OCTETS = 1 << 18; // at a time: they stay in the cache

/** SHA-256 of a file that somebody else reads or writes. */
export class FileHash {
  readonly #hash = createHash('sha256');
  #octets = 0;

  readonly take = (octets: Uint8Array): void => {
    this.#hash.update(octets);
    this.#octets += octets.length;
  };

  /** @param path of the file, of which the reader may have left the end out: behind damage @returns hexadecimal digits */
  finish(path: string): string {
    const room = Buffer.allocUnsafe(HASHED_OCTETS);
    const fd = openSync(path, 'r');
    try {
      for (let got = 1; got > 0; ) {
        got = readSync(fd, room, 0, HASHED_OCTETS, this.#octets);
        this.take(room.subarray(0, got));
      }
    } finally {
      closeSync(fd);
    }
    return this.digest();
  }

  /** Of what was taken, nothing more follows. */
  digest(): string {
    return this.#hash.digest('hex');
  }
}

/** SHA-256 of a file's octets, hexadecimal; null: it cannot be read, and whoever reads it says what is wrong with it. */
export function sha256OrNull(path: string): string | null {
  try {
    return new FileHash().finish(path);
  } catch {
    return null;
  }
}
