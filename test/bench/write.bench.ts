/**
 * CPU per packet and drops of `pcapid record -w`, beside `record` without it, `tcpdump -w` and `dumpcap -w`, on a veth:
 * UDP datagrams of 142 octets over 1,000 flows into a file. What is measured begins when the program is warm.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { killChildren, startChild } from '../support/child.ts';
import { compileC } from '../support/compile.ts';
import { type Netns, NetnsLab } from '../support/netns.ts';
import { PROGRAM } from '../support/run-pcapid.ts';
import { readCapture } from '../support/stored-flows.ts';
import { waitFor } from '../support/wait.ts';
import { median } from './measure.ts';
import { sample } from './running.ts';

const ROUNDS = Number(process.env.ROUNDS ?? 3);
const RATE = Number(process.env.RATE ?? 50_000);
const WARM_S = 12; // until then V8 compiles
const MEASURED_S = 10;
const REST_MS = 2500; // what waits for its owner is written by then
const FLOWS = 1000;
const OCTETS = 100;
const DEADLINE_MS = 60_000;

interface Program {
  readonly name: string;
  readonly ready: RegExp; // in what it says when it captures
  readonly missing: 'in its file' | 'by its own count';
  command(device: string, path: string): readonly string[];
}

const pcapid = (device: string, path: string, ...words: string[]): readonly string[] => [
  ...[process.execPath, PROGRAM, 'record', '-q', '-i', device, '--db', `${path}.db`, ...words, 'udp'],
];
const CANDIDATES: readonly Program[] = [
  {
    name: 'pcapid record -w',
    ready: /recording/,
    missing: 'in its file',
    command: (device, path) => pcapid(device, path, '-w', path),
  },
  { name: 'pcapid record', ready: /recording/, missing: 'by its own count', command: pcapid },
  {
    name: 'tcpdump -w',
    ready: /listening on/,
    missing: 'in its file',
    command: (device, path) => ['tcpdump', '-i', device, '-B', '8192', '-Z', 'root', '-w', path, 'udp'],
  },
  {
    name: 'dumpcap -w',
    ready: /File:/,
    missing: 'in its file',
    command: (device, path) => ['dumpcap', '-q', '-i', device, '-B', '8', '-w', path, '-f', 'udp'],
  },
];

const isHere = ({ name }: Program): boolean =>
  name.startsWith('pcapid') || spawnSync(name.split(' ')[0]!, ['--version']).error === undefined;

async function main(netns: Netns, device: string, target: string, folder: string): Promise<void> {
  const blast = compileC('blast');
  if (blast === undefined) throw new Error('no C compiler');
  const send = async (seconds: number): Promise<void> => {
    const words = [target, 10_000, FLOWS, RATE * seconds, RATE, OCTETS, 0].map(String);
    const { code, err } = await startChild(netns.command(blast, ...words)).done;
    if (code !== 0) throw new Error(err);
  };
  /** Microseconds of CPU per packet, and packets that are missing. */
  const run = async ({ name, ready, missing, command }: Program): Promise<{ us: number; lost: number }> => {
    const path = join(folder, 'a.pcapng');
    const child = startChild(netns.command(...command(device, path)));
    await waitFor(() => ready.test(child.err()), DEADLINE_MS, `${name} to begin`);
    await send(WARM_S);
    await rest();
    const before = sample(child.pid);
    await send(MEASURED_S);
    await rest();
    const us = (sample(child.pid).cpuNs - before.cpuNs) / (RATE * MEASURED_S) / 1000;
    await child.stop('SIGINT', DEADLINE_MS);
    const found = missing === 'in its file' ? packetsIn(path) : Number(readCapture(`${path}.db`).packets);
    for (const file of readdirSync(folder)) rmSync(join(folder, file));
    return { us, lost: RATE * (WARM_S + MEASURED_S) - found };
  };

  const programs = CANDIDATES.filter(isHere);
  console.log(`Node ${process.version}, ${RATE} packets/s, medians of ${ROUNDS} rounds\n`);
  const runs: { us: number; lost: number }[][] = programs.map(() => []);
  for (let round = 0; round < ROUNDS; round++)
    for (const [n, program] of programs.entries()) runs[n]!.push(await run(program));
  const least = median(runs.at(-1)!.map(({ us }) => us));
  console.log(`| program | µs of CPU per packet | times ${programs.at(-1)!.name} | packets missing |`);
  console.log('|---|---|---|---|');
  for (const [n, { name, missing }] of programs.entries()) {
    const us = median(runs[n]!.map((one) => one.us));
    const lost = runs[n]!.reduce((sum, one) => sum + one.lost, 0);
    const sent = RATE * (WARM_S + MEASURED_S) * ROUNDS;
    console.log(`| ${name} | ${us.toFixed(2)} | ${(us / least).toFixed(1)} | ${lost} of ${sent} ${missing} |`);
  }
}

/** As capinfos counts them. */
function packetsIn(path: string): number {
  const { stdout, stderr, error } = spawnSync('capinfos', ['-T', '-M', '-r', '-c', path], { encoding: 'utf8' });
  if (error !== undefined || stdout === '') throw new Error(`capinfos: ${error?.message ?? stderr}`);
  return Number(stdout.trim().split('\t')[1]);
}

const rest = (): Promise<void> => new Promise((done) => setTimeout(done, REST_MS));

const lab = new NetnsLab();
const folder = mkdtempSync(join(tmpdir(), 'pcapid-bench-'));
const [near, far] = lab.connect(lab.create(), lab.create());
const target = far.v4.replace(/\d+$/, '77'); // nobody: the datagrams end at the other side of the veth
const link = ['lladdr', '02:00:00:00:00:77', 'dev', near.name, 'nud', 'permanent'];
near.netns.exec('ip', 'neighbour', 'add', target, ...link);
void main(near.netns, near.name, target, folder).finally(() => {
  killChildren();
  lab.close();
  rmSync(folder, { recursive: true });
});
