/** Capture files as they are called on the command line: `-` is standard input. */
import type { FileInput } from '../app/read/file-input.ts';

export const inputOf = (path: string): FileInput => (path === '-' ? { path: 'standard input', fd: 0 } : { path });

/** Ctrl-C ends the reading, not the program: what came until then is a result. */
export function stopOnSignal(): AbortSignal {
  const stop = new AbortController();
  // Not before the inputs are open: open(2) of a FIFO without a writer waits, and no handler would run meanwhile.
  setImmediate(() => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
  });
  return stop.signal;
}
