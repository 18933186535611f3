/** tcpdump(1) beside a recording: writes the same packets to a file. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { type Finished, startChild } from './child.ts';
import type { Netns } from './netns.ts';
import { waitFor } from './wait.ts';

export interface Tcpdump {
  /** Ends it; the file is complete then. Throws when the kernel dropped something. */
  stop(): Promise<Finished>;
}

/** @returns why tcpdump or tshark cannot be used here, or false */
export function tcpdumpMissing(): string | false {
  for (const tool of ['tcpdump', 'tshark']) if (spawnSync(tool, ['--version']).error !== undefined) return `no ${tool}`;
  // As root it sets its groups before it writes, and ends when that is refused: user_namespaces(7).
  const denied = readFileSync('/proc/self/setgroups', 'utf8').trim() === 'deny';
  return denied ? 'tcpdump cannot set its groups in a user namespace' : false;
}

/** The namespace of the tests themselves. */
export const HERE: Pick<Netns, 'command'> = { command: (...words) => words };

/** Captures when it returns. */
export async function startTcpdump(
  netns: Pick<Netns, 'command'>,
  device: string,
  file: string,
  filter = '',
): Promise<Tcpdump> {
  // Without immediate mode the packets of the last second may still be in the kernel when it is stopped.
  // In that mode a slot of the ring is as large as the snaplen: by default there are only 64 of them.
  const words = [
    'tcpdump',
    '--immediate-mode',
    '-s',
    '1024',
    '-U',
    '-n',
    '-Z',
    'root',
    '-B',
    '16384',
    '-i',
    device,
    '-w',
    file,
  ];
  const child = startChild(netns.command(...words, ...(filter === '' ? [] : [filter])));
  await waitFor(() => child.err().includes('listening on'), 5000, 'tcpdump to listen');
  return {
    stop: async () => {
      const finished = await child.stop('SIGINT');
      if (!finished.err.includes('\n0 packets dropped by kernel')) throw new Error(finished.err);
      return finished;
    },
  };
}
