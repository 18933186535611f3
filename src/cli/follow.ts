import { statSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { UserError } from '../core/errors.ts';
import { Reader } from '../store/reader.ts';

const EVERY_MS = 1000; // the recorder's tick

/**
 * Looks at a database again and again until Ctrl-C, but opens it only when it has changed: a reader that stays would
 * keep a recorder from leaving one plain file behind.
 *
 * @param look returns whether it has to be called again although nothing changes
 */
export async function followDatabase(path: string, look: (reader: Reader) => boolean): Promise<void> {
  const stop = new AbortController();
  const onSignal = (): void => stop.abort();
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal);
  try {
    let before = '';
    for (let isDue = true; !stop.signal.aborted; ) {
      const now = stateOf(path);
      if (isDue || now !== before) isDue = lookOnce(path, look);
      before = now;
      await wait(EVERY_MS, undefined, { signal: stop.signal }).catch(() => undefined);
    }
  } finally {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
  }
}

function lookOnce(path: string, look: (reader: Reader) => boolean): boolean {
  let reader: Reader;
  try {
    reader = Reader.open(path);
  } catch (error) {
    if (error instanceof UserError && error.code === 'database-busy') return true;
    throw error;
  }
  try {
    return look(reader);
  } finally {
    reader.close();
  }
}

/** Changes whenever something is written: to the file itself, or to the log beside it. */
function stateOf(path: string): string {
  return [path, `${path}-wal`]
    .map((name) => {
      const stats = statSync(name, { throwIfNoEntry: false });
      return stats === undefined ? '' : `${stats.ino} ${stats.size} ${stats.mtimeMs}`;
    })
    .join();
}
