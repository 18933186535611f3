/** Capture files as they are called on the command line: `-` is standard input. */
import { fstatSync, statSync } from 'node:fs';
import type { FileInput } from '../app/read/file-input.ts';

export const inputOf = (path: string): FileInput => (path === '-' ? { path: 'standard input', fd: 0 } : { path });

export function isPipe({ path, fd }: FileInput): boolean {
  const stats = fd === undefined ? statSync(path, { throwIfNoEntry: false }) : fstatSync(fd);
  return stats !== undefined && !stats.isFile() && !stats.isDirectory();
}

/** Ctrl-C ends the reading, not the program: what came until then is a result. */
export function stopOnSignal(): AbortSignal {
  const stop = new AbortController();
  // Not before the inputs are open: open(2) of a FIFO without a writer waits, and no handler would run meanwhile.
  setImmediate(() => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
  });
  return stop.signal;
}
