import { writeSync } from 'node:fs';
import type { Context } from './context.ts';

/** The real world. Writes are synchronous, so that nothing is lost when the process ends. */
export function processContext(): Context {
  return {
    env: process.env,
    cwd: process.cwd(),
    out: (text) => writeAll(1, text),
    err: (text) => writeAll(2, text),
    outIsTerminal: process.stdout.isTTY === true,
    errIsTerminal: process.stderr.isTTY === true,
    columns: process.stdout.columns || 80, // 0: a terminal that does not know
    nowUs: () => Date.now() * 1000,
    exitCode: 0,
  };
}

function writeAll(fd: number, text: string): void {
  let rest: Uint8Array = Buffer.from(text);
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(fd, rest));
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if (code === 'EPIPE') process.exit(0); // the reader (head, less) has what it wanted
      if (code !== 'EAGAIN') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5); // a full non-blocking pipe: give its reader time
    }
  }
}
