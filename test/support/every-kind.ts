/** test/live/sockets/every_kind.py as a child process: sockets of every kind and state, whose truth it tells. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Netns } from './netns.ts';
import { waitFor } from './wait.ts';

const SCRIPT = join(process.cwd(), 'test', 'live', 'sockets', 'every_kind.py');

export interface EveryKind {
  readonly pid: number;
  readonly child: number; // holds `listen` and `udp` too
  readonly sockets: Readonly<Record<string, { readonly fd: number; readonly inode: number; readonly cookie: number }>>;
  readonly skipped: Readonly<Record<string, string>>; // what this kernel does not have
  stop(): Promise<void>;
}

/** @param device interface of the namespace with a link-local address */
export async function startEveryKind(netns: Netns, device: string): Promise<EveryKind> {
  const [file, ...args] = netns.command('python3', SCRIPT, device);
  const child = spawn(file!, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  let out = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text;
  });
  const line = await waitFor(() => (out.endsWith('\n') || child.exitCode !== null) && out, 10_000, 'all sockets');
  const truth = JSON.parse(line) as Omit<EveryKind, 'stop'>;
  const stop = async (): Promise<void> => {
    child.stdin.end(); // it ends by itself
    if (child.exitCode === null) await once(child, 'exit');
  };
  return { ...truth, stop };
}
