/** A child process of a test: its output as text, its end as a promise, never left behind. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { patiently } from './wait.ts';

const MAX_OUTPUT = 64 << 20; // characters; a test that passes prints far less

export interface Finished {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly out: string;
  readonly err: string;
}

export interface Child {
  readonly pid: number;
  /** What it wrote so far. */
  out(): string;
  err(): string;
  /** Writes to its standard input; only with `keepInput`. */
  say(text: string): void;
  /** Settles when it has ended and its output is complete. */
  readonly done: Promise<Finished>;
  /** Sends `signal` and waits for the end; SIGKILL and an error after patiently(deadlineMs). */
  stop(signal?: NodeJS.Signals, deadlineMs?: number): Promise<Finished>;
}

const running = new Set<ChildProcess>();
process.on('exit', killChildren);

/** For an `after` hook: a test that fails leaves children behind, which would keep the test runner waiting. */
export function killChildren(): void {
  for (const child of running) child.kill('SIGKILL');
}

/** What a process that starts others has running: shells and nsenter(1) hand no signals on. */
export function childrenOf(pid: number): readonly number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  return text === '' ? [] : text.split(' ').map(Number);
}

export function startChild(
  command: readonly string[],
  options: {
    readonly env?: Readonly<Record<string, string>>;
    readonly cwd?: string;
    readonly input?: Buffer;
    readonly keepInput?: true;
  } = {},
): Child {
  const [file, ...args] = command;
  const child = spawn(file!, args, {
    env: { ...process.env, ...options.env },
    stdio: ['pipe', 'pipe', 'pipe'],
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  if (child.pid === undefined) throw new Error(`${file} cannot be started`);
  running.add(child);
  let out = '';
  let err = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out = (out + text).slice(-MAX_OUTPUT);
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err = (err + text).slice(-MAX_OUTPUT);
  });
  child.stdin.on('error', () => undefined); // EPIPE: it ended before it read all
  if (options.keepInput !== true) child.stdin.end(options.input);
  const done = new Promise<Finished>((resolve) => {
    child.once('close', (code, signal) => {
      running.delete(child);
      resolve({ code, signal, out, err });
    });
  });
  return {
    pid: child.pid,
    out: () => out,
    err: () => err,
    say: (text) => void child.stdin.write(text),
    done,
    async stop(signal = 'SIGINT', deadlineMs = 5000) {
      child.kill(signal);
      const late = setTimeout(() => child.kill('SIGKILL'), patiently(deadlineMs));
      const finished = await done;
      clearTimeout(late);
      if (finished.signal === 'SIGKILL' && signal !== 'SIGKILL')
        throw new Error(`${command.join(' ')} ignored ${signal} for ${patiently(deadlineMs)} ms\n${err}`);
      return finished;
    },
  };
}
