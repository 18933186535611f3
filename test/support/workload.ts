/** test/live/workload.py as a child process: traffic whose owners are known. */
import { join } from 'node:path';
import { type Child, startChild } from './child.ts';
import type { Netns } from './netns.ts';
import { waitFor } from './wait.ts';

const SCRIPT = join(process.cwd(), 'test', 'live', 'workload.py');

/** One end of a socket, as its owner saw it when it closed it. */
export interface WorkloadSocket {
  readonly role: 'client' | 'server' | 'listener' | 'sender' | 'receiver' | 'actor' | 'holder';
  readonly pid: number;
  readonly start_ticks: number;
  readonly inode: number;
  readonly cookie: number; // signed
  readonly protocol: 'tcp' | 'udp';
  readonly local: readonly [address: string, port: number];
  readonly remote: readonly [address: string, port: number] | null;
  readonly sent_bytes: number; // payload
  readonly received_bytes: number;
  readonly sent_packets?: number; // udp
  readonly received_packets?: number;
  readonly opened_us: number; // microseconds since the epoch
  readonly closed_us: number;
  readonly shared_with: readonly number[]; // other processes that hold it
}

export interface Workload {
  readonly child: Child;
  /** Port of a server, once it listens. */
  port(): Promise<number>;
  /** Every socket, once the workload has ended by itself. Throws when it failed. */
  sockets(): Promise<readonly WorkloadSocket[]>;
  /** For servers without a count: SIGTERM, then the same. */
  stop(): Promise<readonly WorkloadSocket[]>;
}

type Line = { readonly event: string; readonly port?: number };

/**
 * @param args as `workload.py --help` lists them
 * @param before a command that runs it: ['setpriv', ...]
 */
export function startWorkload(
  args: readonly (string | number)[],
  netns?: Netns,
  before: readonly string[] = [],
): Workload {
  const command = [...before, 'python3', SCRIPT, ...args.map(String)];
  const child = startChild(netns === undefined ? command : netns.command(...command));
  const lines = (): Line[] => {
    const complete = child.out().split('\n').slice(0, -1);
    return complete.map((line) => JSON.parse(line) as Line);
  };
  const sockets = async (): Promise<readonly WorkloadSocket[]> => {
    const { code, err } = await child.done;
    if (code !== 0 || lines().at(-1)?.event !== 'done') throw new Error(`workload ${args.join(' ')} failed\n${err}`);
    return lines().filter(({ event }) => event === 'socket') as unknown as WorkloadSocket[];
  };
  return {
    child,
    port: () => waitFor(() => lines().find(({ event }) => event === 'listening')?.port, 5000, `${args[0]} to listen`),
    sockets,
    async stop() {
      await child.stop('SIGTERM');
      return sockets();
    },
  };
}
