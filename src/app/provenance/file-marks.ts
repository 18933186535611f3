/** Which files a run read: their sizes and hashes, taken while they are read. */
import { type Stats, statSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { FileNote, FileUse } from '../../core/provenance.ts';
import { sha256OrNull } from '../files/file-hash.ts';

/** What is smaller is hashed at once, in the time that a thread takes to start: 20 ms. */
const SMALL = 1 << 23;

export interface UsedFile {
  readonly use: FileUse;
  readonly path: string; // absolute, or what a stream is called
  readonly isGrowing?: boolean; // it is still being written: there is no hash of it
  readonly sha256?: string | undefined; // already known
}

interface Marked extends UsedFile {
  readonly before: Stats | undefined; // undefined: a pipe, or no longer there
  hash: string | null;
}

export class FileMarks {
  readonly #files: readonly Marked[];
  readonly #done: Promise<void>;
  #worker: Worker | undefined;

  /** Begins to hash. */
  constructor(files: readonly UsedFile[]) {
    this.#files = files.map((file) => {
      const before = file.isGrowing === true ? undefined : regularFile(file.path);
      const isSmall = file.sha256 === undefined && before !== undefined && before.size < SMALL;
      return { ...file, before, hash: isSmall ? sha256OrNull(file.path) : (file.sha256 ?? null) };
    });
    this.#done = this.#hashBeside(this.#files.filter(({ before, hash }) => before !== undefined && hash === null));
  }

  /** Waits for the hashes. What changed since it was asked for has none: nobody knows which octets were read. */
  async take(): Promise<readonly FileNote[]> {
    await this.#done;
    return this.#files.map(({ use, path, before, hash }) => {
      const after = before === undefined ? undefined : regularFile(path);
      const isSame = after?.ino === before?.ino && after?.size === before?.size && after?.mtimeMs === before?.mtimeMs;
      const isWhole = use !== 'owners' || regularFile(`${path}-wal`) === undefined; // a log holds what the file does not
      return { use, path, bytes: before?.size ?? null, sha256: isSame && isWhole ? hash : null };
    });
  }

  /** Nobody waits for the hashes any more. */
  stop(): void {
    void this.#worker?.terminate();
  }

  async #hashBeside(files: readonly Marked[]): Promise<void> {
    if (files.length === 0) return;
    const worker = new Worker(join(__dirname, 'hash-thread.cjs'), { workerData: files.map(({ path }) => path) });
    this.#worker = worker;
    let count = 0;
    worker.on('message', (hash: string | null) => {
      files[count++]!.hash = hash;
    });
    await new Promise((done, fail) => worker.once('exit', done).once('error', fail));
  }
}

function regularFile(path: string): Stats | undefined {
  try {
    const stats = statSync(path, { throwIfNoEntry: false });
    return stats?.isFile() === true ? stats : undefined;
  } catch {
    return undefined; // a folder on the way may not be entered: who opens the file says so
  }
}
