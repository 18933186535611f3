/** The built program as a child process, in any namespace. */
import { join } from 'node:path';
import { type Child, type Finished, startChild } from './child.ts';
import type { Netns } from './netns.ts';
import { patiently } from './wait.ts';

export const PROGRAM = join(process.cwd(), 'dist', 'pcapid.cjs'); // test/run.mjs starts tests in the project's folder

export interface RunOptions {
  readonly netns?: Netns;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly input?: Buffer; // standard input
  readonly before?: readonly string[]; // a command that runs it: ['setpriv', '--reuid=65534', '--clear-groups']
}

/** Starts it and leaves it running: `record`, `top`. */
export function startPcapid(args: readonly string[], options: RunOptions = {}): Child {
  const { netns, before = [], ...rest } = options;
  const command = [...before, process.execPath, PROGRAM, ...args];
  return startChild(netns === undefined ? command : netns.command(...command), rest);
}

/** Runs it to its end. SIGKILL and an error after patiently(deadlineMs). */
export async function runPcapid(
  args: readonly string[],
  options: RunOptions & { readonly deadlineMs?: number } = {},
): Promise<Finished> {
  const { deadlineMs = 30_000, ...rest } = options;
  const child = startPcapid(args, rest);
  const late = setTimeout(() => void child.stop('SIGKILL'), patiently(deadlineMs));
  const finished = await child.done;
  clearTimeout(late);
  if (finished.signal === 'SIGKILL')
    throw new Error(`pcapid ${args.join(' ')} did not end within ${patiently(deadlineMs)} ms\n${finished.err}`);
  return finished;
}
