import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync } from 'node:fs';

const HASHED_OCTETS = 1 << 18; // at a time: they stay in the cache

/** SHA-256 of a file's octets, hexadecimal; null: it cannot be read, and whoever reads it says what is wrong with it. */
export function sha256OrNull(path: string): string | null {
  try {
    return sha256Of(path);
  } catch {
    return null;
  }
}

function sha256Of(path: string): string {
  const hash = createHash('sha256');
  const room = Buffer.allocUnsafe(HASHED_OCTETS);
  const fd = openSync(path, 'r');
  try {
    for (let count = readSync(fd, room); count > 0; count = readSync(fd, room)) hash.update(room.subarray(0, count));
  } finally {
    closeSync(fd);
  }
  return hash.digest('hex');
}
