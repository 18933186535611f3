import { createHash, type Hash } from 'node:crypto';
import {
  closeSync,
  constants,
  existsSync,
  fsyncSync,
  openSync,
  renameSync,
  type Stats,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { UserError } from '../../core/errors.ts';
import type { OpenFiles } from './open-files.ts';
import { existsError, writeError } from './output-errors.ts';

const NOTHING_LEFT = {
  ENOSPC: 'Make room on the disk; nothing was left behind.',
  EDQUOT: 'Your quota is used up; nothing was left behind.',
};

interface OutputOptions {
  readonly force: boolean; // replace what is there
  readonly hint?: string; // what to do else
}

/** A file that appears under its name when it is whole. */
export class OutputFile {
  readonly #path: string;
  readonly #part: string;
  readonly #hash: Hash = createHash('sha256');
  readonly #files: OpenFiles | undefined;
  #fd: number | undefined; // undefined: at rest
  #isOver = false;

  /**
   * @param files that are written at the same time, when they are many
   * @throws UserError when the path is taken, or cannot be written
   */
  constructor(path: string, { force, hint }: OutputOptions, files?: OpenFiles) {
    if (path === '-') {
      const message = 'standard output cannot be written: an output appears when it is whole';
      throw new UserError('bad-output', message, 'Name a file (./- if it is to be called so).');
    }
    if (existsSync(path)) {
      if (!statSync(path).isFile())
        throw new UserError('bad-output', `${path} is no regular file`, 'Name another file.');
      if (!force) throw existsError(path, hint);
    }
    this.#path = path;
    this.#files = files;
    this.#part = join(dirname(path), `.${basename(path)}.${process.pid}.part`);
    try {
      this.#fd = openSync(this.#part, 'wx', 0o600); // it says who talked to whom
    } catch (error) {
      throw writeError(error, path);
    }
    files?.use(this);
  }

  readonly write = (bytes: Uint8Array): void => {
    this.#hash.update(bytes);
    try {
      const fd = this.#open();
      for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
    } catch (error) {
      this.abandon();
      throw writeError(error, this.#path, NOTHING_LEFT);
    }
  };

  /** @returns SHA-256 of what was written, hexadecimal */
  finish(): string {
    try {
      fsyncSync(this.#open());
      renameSync(this.#part, this.#path);
    } catch (error) {
      this.abandon();
      throw writeError(error, this.#path, NOTHING_LEFT);
    }
    this.#isOver = true;
    this.#close();
    return this.#hash.digest('hex');
  }

  /** Leaves nothing behind, unless finish() was called. */
  abandon(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#close();
    unlinkSync(this.#part);
  }

  rest(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }

  #open(): number {
    this.#fd ??= openSync(this.#part, constants.O_WRONLY | constants.O_APPEND | constants.O_NOFOLLOW);
    this.#files?.use(this);
    return this.#fd;
  }

  #close(): void {
    this.#files?.drop(this);
    this.rest();
  }
}

/** @throws UserError */
export function refuseSameFile(input: string, output: string): void {
  const [a, b] = [input, output].map(statOrUndefined);
  if (a !== undefined && b !== undefined && a.dev === b.dev && a.ino === b.ino)
    throw new UserError('same-file', `${output} is what is read`, 'Name another output.');
}

/** Where nobody may look, OutputFile says so. */
function statOrUndefined(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}
