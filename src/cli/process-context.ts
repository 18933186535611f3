import { fstatSync, writeSync } from 'node:fs';
import type { Context } from './context.ts';

/** The real world. Writes are synchronous, so that nothing is lost when the process ends. */
export function processContext(): Context {
  const outIsTerminal = isTerminal(1);
  return {
    env: process.env,
    cwd: process.cwd(),
    out: (text) => writeAll(1, text),
    err: (text) => writeAll(2, text),
    outIsTerminal,
    errIsTerminal: isTerminal(2),
    columns: (outIsTerminal && process.stdout.columns) || 80, // 0: a terminal that does not know
    nowUs: () => Date.now() * 1000,
    exitCode: 0,
  };
}

/** A pipe or a file is none; asking Node would load what writes to it, which takes as long as opening a database. */
function isTerminal(fd: 1 | 2): boolean {
  return fstatSync(fd).isCharacterDevice() && (fd === 1 ? process.stdout : process.stderr).isTTY === true;
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
