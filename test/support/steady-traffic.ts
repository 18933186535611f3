/** test/live/record/steady_traffic.py as a child process: what was sent by when. */
import { join } from 'node:path';
import { type Child, startChild } from './child.ts';
import type { Netns } from './netns.ts';
import { waitFor } from './wait.ts';

const SCRIPT = join(process.cwd(), 'test', 'live', 'record', 'steady_traffic.py');

export interface SteadyTraffic {
  readonly child: Child;
  /** Packets of the long flow sent before `us`, microseconds since the epoch. */
  longBefore(us: number): number;
  /** Source ports of the short flows that began before `us`. */
  newBefore(us: number): readonly number[];
}

/** Sends when it returns. End it with child.stop('SIGTERM'). */
export async function startSteadyTraffic(netns: Netns): Promise<SteadyTraffic> {
  const child = startChild(netns.command('python3', SCRIPT));
  const said = (kind: string, us: number): readonly number[] =>
    child
      .out()
      .split('\n')
      .map((line) => line.split(' '))
      .filter(([word, , at]) => word === kind && Number(at) < us)
      .map(([, number]) => Number(number));
  await waitFor(() => said('new', Infinity).length > 0, 5000, 'traffic');
  return {
    child,
    longBefore: (us) => Math.max(0, ...said('long', us)),
    newBefore: (us) => said('new', us),
  };
}
