/** The files that packets are written into, one after the other, or a pipe. */
import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  lstatSync,
  openSync,
  type Stats,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { extname, resolve } from 'node:path';
import { UserError } from '../../../core/errors.ts';
import type { FileNote } from '../../../core/provenance.ts';
import { FileHash } from '../../files/file-hash.ts';
import { existsError, writeError } from '../../files/output-errors.ts';

export const STDOUT = '-';

export interface CaptureFilesOptions {
  readonly path: string; // '-' is standard output
  readonly force: boolean; // what exists is replaced
  readonly rotates: boolean; // there will be more than one
  readonly keep: number; // files; the oldest are deleted. Infinity: all
}

/** Octets could not be written. What was written before is as it was; the same may be tried again. */
export class WriteFailure extends Error {
  readonly code: string; // of errno; EPIPE: nobody reads it any more

  constructor(error: unknown) {
    const { code = String(error) } = error as NodeJS.ErrnoException;
    super(code);
    this.code = code;
  }
}

/** How long a reader of a pipe may take before the caller has its turn. */
const PIPE_PATIENCE_MS = 100;
const PIPE_REST_MS = 1;
const LAST_TRIES = 5;
const NUMBER_DIGITS = 5; // as dumpcap has it
const { O_WRONLY, O_NONBLOCK, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;

export class CaptureFiles {
  readonly #options: CaptureFilesOptions;
  readonly #onWhole: (note: FileNote) => void;
  #hash = new FileHash(); // of the present file
  readonly #written: string[] = []; // paths, oldest first
  #fd = -1;
  #isFile = false;
  #size = 0; // octets of the present file
  #earlier = 0; // of those before it
  #begun = 0;
  #rest: Uint8Array = new Uint8Array(0); // that a pipe did not take yet
  readonly #sleeper = new Int32Array(new SharedArrayBuffer(4));

  /** @param onWhole gets every regular file when it is closed */
  constructor(options: CaptureFilesOptions, onWhole: (note: FileNote) => void = () => {}) {
    this.#options = options;
    this.#onWhole = onWhole;
  }

  get size(): number {
    return this.#size;
  }

  get bytes(): number {
    return this.#earlier + this.#size;
  }

  get begun(): number {
    return this.#begun;
  }

  /** Whether the next file may take the place of this one: a pipe is one stream. */
  get isFile(): boolean {
    return this.#isFile;
  }

  /** @param at time of day, for its name. @throws UserError when the path is taken or cannot be written */
  open(at: Date): void {
    const { path, rotates, force, keep } = this.#options;
    if (path === STDOUT) this.#fd = openStdout();
    else {
      const name = rotates ? rotatedName(path, this.#begun + 1, at) : path;
      this.#fd = openFile(name, force);
      this.#written.push(name);
    }
    this.#isFile = fstatSync(this.#fd).isFile() && path !== STDOUT;
    this.#begun++;
    while (this.#isFile && this.#written.length > keep) unlinkQuietly(this.#written.shift()!);
  }

  /** All of it or nothing. @throws WriteFailure */
  write(bytes: Uint8Array): void {
    if (!this.#isFile) this.#pipe(bytes);
    else {
      let done = 0;
      try {
        while (done < bytes.length) done += writeSync(this.#fd, bytes, done, bytes.length - done, this.#size + done);
      } catch (error) {
        if (done > 0) ftruncateSync(this.#fd, this.#size);
        throw new WriteFailure(error);
      }
      this.#hash.take(bytes);
    }
    this.#size += bytes.length;
  }

  /** What a pipe did not take yet. @throws WriteFailure */
  settle(): void {
    if (this.#rest.length > 0) this.#pipe(new Uint8Array(0));
  }

  /** What is written is on the disk then, or with the reader of the pipe if that takes it within half a second. */
  close(): void {
    if (this.#fd === -1) return;
    for (let tries = 0; this.#rest.length > 0 && tries < LAST_TRIES; tries++) this.#settleQuietly();
    const fd = this.#fd;
    this.#fd = -1;
    const bytes = this.#size;
    this.#earlier += bytes;
    this.#size = 0;
    if (this.#isFile) fsyncQuietly(fd);
    if (fd > 2) closeSync(fd);
    const sha256 = this.#hash.digest();
    this.#hash = new FileHash();
    if (this.#isFile && bytes > 0)
      this.#onWhole({ use: 'output', path: resolve(this.#written.at(-1)!), bytes, sha256 });
  }

  /** Nothing was recorded: no file is left. */
  abandon(): void {
    const isEmpty = this.#isFile && this.bytes === 0;
    this.close();
    if (isEmpty) for (const path of this.#written) unlinkQuietly(path);
  }

  #settleQuietly(): void {
    try {
      this.settle();
    } catch (error) {
      if (!(error instanceof WriteFailure)) throw error;
    }
  }

  /** Takes all of it, when what waited before is gone. */
  #pipe(bytes: Uint8Array): void {
    const untilMs = performance.now() + PIPE_PATIENCE_MS;
    this.#rest = this.#push(this.#rest, untilMs);
    if (this.#rest.length > 0) throw new WriteFailure({ code: 'EAGAIN' });
    this.#rest = this.#push(bytes, untilMs).slice();
  }

  /** @returns what the reader has no room for */
  #push(bytes: Uint8Array, untilMs: number): Uint8Array {
    for (let done = 0; ; ) {
      if (done === bytes.length) return bytes.subarray(done);
      try {
        done += writeSync(this.#fd, bytes, done);
      } catch (error) {
        const isFull = (error as NodeJS.ErrnoException).code === 'EAGAIN';
        if (!isFull && done === 0) throw new WriteFailure(error);
        if (!isFull || performance.now() > untilMs) return bytes.subarray(done);
        Atomics.wait(this.#sleeper, 0, 0, PIPE_REST_MS);
      }
    }
  }
}

/** `trip.pcapng` -> `trip_00001_20260131235959.pcapng`, local time: as dumpcap names files, so that they sort. */
export function rotatedName(path: string, number: number, at: Date): string {
  const extension = extname(path);
  const two = (n: number): string => String(n).padStart(2, '0');
  const day = `${at.getFullYear()}${two(at.getMonth() + 1)}${two(at.getDate())}`;
  const time = `${two(at.getHours())}${two(at.getMinutes())}${two(at.getSeconds())}`;
  const stem = path.slice(0, path.length - extension.length);
  return `${stem}_${String(number).padStart(NUMBER_DIGITS, '0')}_${day}${time}${extension}`;
}

/** @throws UserError when packets may not be written there: for a look before anything else begins */
export function checkCapturePath({ path, force, rotates }: CaptureFilesOptions): void {
  if (path === STDOUT || rotates) return;
  const stats = lstatOrUndefined(path);
  if (stats?.isDirectory()) throw new UserError('bad-output', `${path} is a folder`, 'Name a file in it.');
  if (stats?.isFile() && !force) throw existsError(path);
}

/** A recorder that root started has the rights of another user by then. */
const OF_RECORDER = { EACCES: 'Name a file in a folder that the owner of the database may write to.' };

/** A pipe is opened anew so that a reader who does not read cannot hold the thread up. */
function openStdout(): number {
  if (!fstatSync(1).isFIFO()) return 1;
  try {
    return openSync('/proc/self/fd/1', O_WRONLY | O_NONBLOCK);
  } catch {
    return 1; // of another user
  }
}

function openFile(path: string, force: boolean): number {
  const stats = lstatOrUndefined(path);
  try {
    if (stats !== undefined && !stats.isFile() && !stats.isSymbolicLink()) return openSync(path, O_WRONLY | O_NONBLOCK);
    if (stats !== undefined) {
      if (!force) throw existsError(path);
      unlinkSync(path);
    }
    return openSync(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600); // it says who talked to whom
  } catch (error) {
    throw error instanceof UserError ? error : writeError(error, path, OF_RECORDER);
  }
}

function lstatOrUndefined(path: string): Stats | undefined {
  try {
    return lstatSync(path);
  } catch {
    return undefined;
  }
}

function fsyncQuietly(fd: number): void {
  try {
    fsyncSync(fd);
  } catch {
    // the disk is full or gone: that was told when it was written
  }
}

/** Who took it away did what was to be done. */
function unlinkQuietly(path: string): void {
  try {
    unlinkSync(path);
  } catch {}
}
