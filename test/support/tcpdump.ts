/** tcpdump(1) beside a recording: writes the same packets to a file. */
import type { Finished } from './child.ts';
import { startChild } from './child.ts';
import type { Netns } from './netns.ts';
import { waitFor } from './wait.ts';

export interface Tcpdump {
  /** Ends it; the file is complete then. Throws when the kernel dropped something. */
  stop(): Promise<Finished>;
}

/** Captures when it returns. */
export async function startTcpdump(netns: Netns, device: string, file: string, filter = ''): Promise<Tcpdump> {
  // Without immediate mode the packets of the last second may still be in the kernel when it is stopped.
  const words = ['tcpdump', '--immediate-mode', '-U', '-n', '-Z', 'root', '-B', '16384', '-i', device, '-w', file];
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
