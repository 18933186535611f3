/** What passes by itself within moments: files that another user's program makes beside a database, or takes away. */
import { sqliteCode } from './sqlite.ts';

const PAUSE_MS = 20;
const TRIES = 50;

/**
 * Opens a database once more while what is in the way may go by itself. SQLite makes -wal and -shm under the rights of
 * whoever comes first; when that is root, they belong to root for a moment. While a file goes from one journal to the other,
 * a reader without the right to write may find one that it cannot roll back.
 *
 * @param open leaves nothing open when it throws
 */
export function openPatiently<T>(open: () => T): T {
  for (let tries = 1; ; tries++) {
    try {
      return open();
    } catch (error) {
      if (tries === TRIES || !/^SQLITE_(CANTOPEN|READONLY)/.test(sqliteCode(error) ?? '')) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS);
    }
  }
}
