import { fstatSync, readlinkSync, writeSync } from 'node:fs';
import { UserError } from '../core/errors.ts';
import type { Context } from './context.ts';

/** Octets that were taken; throws as write(2) fails. */
type Write = (fd: number, octets: Uint8Array) => number;

/** The real world. Writes are synchronous, so that nothing is lost when the process ends. */
export function processContext(write: Write = writeSync): Context {
  const outIsTerminal = isTerminal(1);
  return {
    env: process.env,
    cwd: currentFolder(),
    out: (text) => {
      const code = writeAll(write, 1, text);
      if (code === undefined) return;
      const message = `standard output cannot be written (${code})`;
      throw new UserError('output', message, 'Make room where it goes, or send it elsewhere.');
    },
    err: (text) => void writeAll(write, 2, text), // what fails can be told to nobody
    outIsTerminal,
    errIsTerminal: isTerminal(2),
    columns: (outIsTerminal && process.stdout.columns) || 80, // 0: a terminal that does not know
    nowUs: () => Date.now() * 1000,
    exitCode: 0,
  };
}

/** Of a folder that was deleted the name that the kernel gives it: nothing is there, but absolute paths can be used. */
function currentFolder(): string {
  try {
    return process.cwd();
  } catch {
    return readlinkSync('/proc/self/cwd'); // '/tmp/x (deleted)'
  }
}

/** A pipe or a file is none; asking Node would load what writes to it, which takes as long as opening a database. */
function isTerminal(fd: 1 | 2): boolean {
  return fstatSync(fd).isCharacterDevice() && (fd === 1 ? process.stdout : process.stderr).isTTY === true;
}

/** @returns why not all of it was written: a code of errno */
function writeAll(write: Write, fd: number, text: string): string | undefined {
  let rest: Uint8Array = Buffer.from(text);
  while (rest.length > 0) {
    try {
      rest = rest.subarray(write(fd, rest));
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if (code === 'EPIPE') process.exit(0); // the reader (head, less) has what it wanted
      if (code === undefined) throw error;
      if (code !== 'EAGAIN') return code;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5); // a full non-blocking pipe: give its reader time
    }
  }
  return undefined;
}
