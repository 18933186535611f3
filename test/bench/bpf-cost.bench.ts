/**
 * What the attached BPF programs cost the programs they watch, without a capture: short TCP connections, short UDP
 * sockets and one fast stream on lo, with and without them in turns. Ratios of pairs; the bars are those of issue 3.
 * In a network namespace of its own, so that filters and connection tracking of the host do not count.
 */
import { BpfProbe, bpfMissing } from '../support/bpf-probe.ts';
import { startChild } from '../support/child.ts';
import { compileC } from '../support/compile.ts';
import { type Netns, NetnsLab } from '../support/netns.ts';
import { median } from './measure.ts';

const ROUNDS = Number(process.env.ROUNDS ?? 12);
const TURNS = 3; // in a pair
const DRAIN_MS = 50; // as a recorder does

interface Workload {
  readonly name: string;
  readonly unit: string;
  /** Bar for with / without. */
  readonly bar: number;
  readonly higherIsBetter: boolean;
  run(netns: Netns): Promise<number>;
}

async function output(netns: Netns, ...words: string[]): Promise<string> {
  const { code, out, err } = await startChild(netns.command(...words)).done;
  if (code !== 0) throw new Error(`${words.join(' ')} failed: ${err}${out}`);
  return out;
}

const shortSockets = compileC('short_sockets');
if (shortSockets === undefined) throw new Error('no C compiler');
const short = async (netns: Netns, kind: string, count: number): Promise<number> =>
  Number(await output(netns, shortSockets, kind, String(count)));

async function stream(netns: Netns): Promise<number> {
  const server = output(netns, 'iperf3', '-s', '-1');
  const client = await output(netns, 'sh', '-c', 'sleep 0.3; exec iperf3 -c 127.0.0.1 -t 1 -J');
  await server;
  const { end } = JSON.parse(client) as { end: { sum_received: { bits_per_second: number } } };
  return end.sum_received.bits_per_second / 1e9;
}

const WORKLOADS: readonly Workload[] = [
  { name: 'short TCP connection', unit: 'ns', bar: 1.2, higherIsBetter: false, run: (n) => short(n, 'tcp', 3000) },
  { name: 'short UDP socket', unit: 'ns', bar: 1.35, higherIsBetter: false, run: (n) => short(n, 'udp', 15_000) },
  { name: 'iperf3 on lo', unit: 'Gbit/s', bar: 0.95, higherIsBetter: true, run: stream },
];

async function withPrograms(action: () => Promise<number>): Promise<number> {
  const probe = new BpfProbe();
  const timer = setInterval(() => probe.drain(), DRAIN_MS);
  try {
    return await action();
  } finally {
    clearInterval(timer);
    probe.close();
  }
}

interface Pair {
  readonly off: number;
  readonly on: number;
}

/** Short runs in turns, the median of each side: what slows the machine for a moment meets both. */
async function pairOf({ run }: Workload, netns: Netns): Promise<Pair> {
  const off: number[] = [];
  const on: number[] = [];
  for (let turn = 0; turn < TURNS; turn++) {
    off.push(await run(netns));
    on.push(await withPrograms(() => run(netns)));
  }
  return { off: median(off), on: median(on) };
}

function row({ name, unit, bar, higherIsBetter }: Workload, pairs: readonly Pair[]): string {
  const ratios = pairs.map(({ off, on }) => on / off);
  const middle = median(ratios);
  const held = higherIsBetter ? middle >= bar : middle <= bar;
  if (!held) process.exitCode = 1;
  const figure = (pick: (pair: Pair) => number): string => `${median(pairs.map(pick)).toPrecision(4)} ${unit}`;
  const spread = `${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)}`;
  const limit = `${higherIsBetter ? 'at least' : 'at most'} ${bar}: ${held ? 'held' : 'MISSED'}`;
  const cells = [name, figure(({ off }) => off), figure(({ on }) => on), middle.toFixed(3), spread, limit];
  return `| ${cells.join(' | ')} |`;
}

async function main(): Promise<void> {
  const missing = bpfMissing();
  if (missing !== false) throw new Error(missing);
  const lab = new NetnsLab();
  try {
    const netns = lab.create();
    console.log(`Node ${process.version}, ${ROUNDS} pairs each\n`);
    console.log('| | without | with | ratio: median | lowest to highest | bar |');
    console.log('|---|---|---|---|---|---|');
    for (const workload of WORKLOADS) {
      const pairs: Pair[] = [];
      for (let round = 0; round < ROUNDS; round++) pairs.push(await pairOf(workload, netns));
      console.log(row(workload, pairs));
    }
  } finally {
    lab.close();
  }
}

main();
