/**
 * `--backend cap`: starts src/capture/cap-child.ts and hands its pcap stream over as a descriptor, pipe(7).
 * Everything here is synchronous, because the thread that captures never returns to its event loop.
 */
import { execFileSync, spawn } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { UserError } from '../core/errors.ts';
import { CapWord } from './cap-words.ts';

export interface CapOptions {
  readonly device: string;
  readonly filter: string; // tcpdump expression, '' for all
  readonly ringBytes: number;
  readonly script?: string; // the built cap-child.cjs; default: beside this file
  readonly node?: readonly string[]; // what runs it; with `ip netns exec NAME` in front it captures there
}

export interface CapBackend {
  /** Read end of a pipe, for PcapFileSource in any thread; at its end the child is gone. */
  readonly fd: number;
  readonly pid: number;
  /** What the child said on standard error since it was ready: why it is gone, if nobody stopped it. */
  words(): string;
  /** Asks the child to end; what it has captured can still be read from `fd`. SIGKILL for one that does not. */
  stop(signal?: 'SIGTERM' | 'SIGKILL'): void;
  /** Closes the descriptors, which ends the child too. Call it when the reader of `fd` is closed. */
  close(): void;
}

const START_MS = 10_000;
const POLL_MS = 5;
const MAX_WORDS = 65_536; // octets, what a pipe holds

/** Returns when packets flow. @throws UserError when cap is not installed or cannot open the device */
export function openCapBackend(options: CapOptions): CapBackend {
  const { device, filter, ringBytes, script = join(__dirname, 'cap-child.cjs'), node = [process.execPath] } = options;
  const data = openPipe();
  const said = openPipe();
  const child = spawn(node[0]!, [...node.slice(1), script, device, filter, String(ringBytes)], {
    stdio: ['pipe', data.writeFd, said.writeFd], // the child ends at the end of its standard input: no orphans
  });
  child.on('error', () => undefined); // seen below: both pipes are at their end
  for (const { writeFd } of [data, said]) closeSync(writeFd); // the child has its own; else they had no end
  const backend: CapBackend = {
    fd: data.readFd,
    pid: child.pid ?? 0,
    words: () => readWords(said.readFd)?.trim() ?? '',
    stop: (signal = 'SIGTERM') => void child.kill(signal),
    close() {
      child.stdin?.destroy();
      child.unref();
      for (const { readFd } of [data, said]) closeSync(readFd);
    },
  };
  const trouble = waitUntilReady(said.readFd);
  if (trouble === undefined) return backend;
  backend.stop('SIGKILL');
  backend.close();
  throw startError(trouble, options);
}

/** @returns undefined when the child is ready, else what it said before it ended */
function waitUntilReady(fd: number): string | undefined {
  let words = '';
  for (let waitedMs = 0; waitedMs < START_MS; waitedMs += POLL_MS) {
    const more = readWords(fd);
    words = (words + (more ?? '')).slice(-MAX_WORDS);
    if (words.split('\n').includes(CapWord.Ready)) return undefined;
    if (more === undefined) return words;
    Atomics.wait(never, 0, 0, POLL_MS);
  }
  return `${words}not ready within ${START_MS / 1000} s`;
}

const never = new Int32Array(new SharedArrayBuffer(4));

/** @returns what is in the pipe now, undefined at its end */
function readWords(fd: number): string | undefined {
  const bytes = Buffer.alloc(MAX_WORDS);
  try {
    const got = readSync(fd, bytes);
    return got === 0 ? undefined : bytes.toString('utf8', 0, got);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return '';
    throw error;
  }
}

/**
 * A pipe as two descriptors. Node has no call for it and gives children sockets, which readSync() cannot wait for;
 * so a FIFO is made, opened at both ends and deleted.
 */
function openPipe(): { readonly readFd: number; readonly writeFd: number } {
  const folder = mkdtempSync(join(tmpdir(), 'pcapid-cap-')); // mode 0700
  try {
    const path = join(folder, 'pipe');
    execFileSync('mkfifo', ['-m', '600', path], { stdio: 'pipe' });
    const readFd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK); // blocking, it would wait for a writer
    return { readFd, writeFd: openSync(path, constants.O_WRONLY) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function startError(words: string, { device, filter }: CapOptions): UserError {
  const lines = words.trim().split('\n');
  const after = (word: string): string | undefined =>
    lines
      .find((line) => line.startsWith(word))
      ?.slice(word.length)
      .trim();
  const notInstalled = after(CapWord.NotInstalled);
  if (notInstalled !== undefined) {
    const hint = 'Install it: apt-get install libpcap-dev, then npm install --no-save --save-prod cap@0.2.1';
    return new UserError('no-cap', `--backend cap: ${notInstalled}`, hint);
  }
  const what = `cap cannot capture on '${device}'${filter === '' ? '' : ` with the filter '${filter}'`}`;
  const why = after(CapWord.OpenFailed) ?? lines.at(-1);
  const hint = 'Leave --backend cap out: the default backend says more exactly what is wrong.';
  return new UserError('capture-failed', `${what}: ${why === '' ? 'its process ended' : why}`, hint);
}
