import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';

const ROOM = 1 << 18; // octets at a time: they stay in the cache

/** SHA-256 of a file that somebody else reads. */
export class FileHash {
  readonly #hash = createHash('sha256');
  #octets = 0;

  readonly take = (octets: Uint8Array): void => {
    this.#hash.update(octets);
    this.#octets += octets.length;
  };

  /** @param path of the file, of which the reader may have left the end out: behind damage @returns hexadecimal digits */
  finish(path: string): string {
    const room = Buffer.allocUnsafe(ROOM);
    const fd = openSync(path, 'r');
    try {
      for (let got = 1; got > 0; ) {
        got = readSync(fd, room, 0, ROOM, this.#octets);
        this.take(room.subarray(0, got));
      }
    } finally {
      closeSync(fd);
    }
    return this.#hash.digest('hex');
  }
}
