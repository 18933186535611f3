/** test/live/odd_traffic.py as a child process: packets that no ordinary socket sends. */
import { join } from 'node:path';
import { type Child, startChild } from './child.ts';
import type { Netns } from './netns.ts';
import type { StoredHolder } from './stored-flows.ts';
import { waitFor } from './wait.ts';

const SCRIPT = join(process.cwd(), 'test', 'live', 'odd_traffic.py');

/** What it printed after it had sent: who it is, and what its mode adds. */
export interface Sent {
  readonly pid: number;
  readonly start_ticks: number;
  readonly at_us: number; // microseconds since the epoch
  readonly role?: 'sender' | 'receiver' | 'first' | 'second' | 'server';
  readonly id?: number; // of ICMP echo
  readonly octets?: number; // of payload
  readonly local?: readonly [address: string, port: number];
  readonly ports?: readonly [client: number, server: number];
  readonly segments?: readonly [sent: number, received: number];
  readonly retransmitted?: number; // segments; of passed-later octets
  readonly receivers?: readonly (readonly [pid: number, startTicks: number])[];
}

export interface OddTraffic {
  readonly child: Child;
  readonly sent: readonly Sent[]; // `lines` of them
}

/** Runs `odd_traffic.py ARGS` until it has sent; it stays with its socket open until it is stopped. */
export async function sendOddTraffic(
  args: readonly (string | number)[],
  netns: Netns,
  options: { readonly lines?: number; readonly before?: readonly string[] } = {},
): Promise<OddTraffic> {
  const { lines = 1, before = [] } = options;
  const child = startChild(netns.command(...before, 'python3', SCRIPT, ...args.map(String)), { keepInput: true });
  let ended = false;
  void child.done.then(() => {
    ended = true;
  });
  const printed = (): readonly string[] => child.out().split('\n').slice(0, -1);
  await waitFor(() => ended || printed().length >= lines, 10_000, `odd_traffic.py ${args[0]} to send`);
  if (printed().length < lines) throw new Error(`odd_traffic.py ${args.join(' ')} failed\n${child.err()}`);
  return { child, sent: printed().map((line) => JSON.parse(line) as Sent) };
}

export const processOf = ({ pid, start_ticks }: Sent): StoredHolder => ({ pid, startTicks: start_ticks });
