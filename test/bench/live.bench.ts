/**
 * CPU per packet and drops of `pcapid record` on a veth, beside `tcpdump -w /dev/null` on the same traffic: UDP datagrams
 * of 142 octets over 1,000 flows. A short and a long run each: their difference is the cost of a packet once the program
 * is warm, without start-up, compilation and the look-up of the flows.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compileC } from '../support/compile.ts';
import { NetnsLab } from '../support/netns.ts';
import { readCapture } from '../support/stored-flows.ts';
import { measure, median } from './measure.ts';

const ROUNDS = Number(process.env.ROUNDS ?? 3);
const RATE = Number(process.env.RATE ?? 100_000);
const SHORT_S = 3;
const LONG_S = 13;
const LEAD_S = 2; // the recorder is ready by then
const FLOWS = 1000;
const OCTETS = 100;

interface Run {
  readonly cpuS: number;
  readonly captured: number;
  readonly dropped: number;
}

const lab = new NetnsLab();
const folder = mkdtempSync(join(tmpdir(), 'pcapid-bench-'));
try {
  const [near, far] = lab.connect(lab.create(), lab.create());
  const target = far.v4.replace(/\d+$/, '77'); // nobody: the datagrams end at the other side of the veth
  near.netns.exec(
    'ip',
    'neighbour',
    'add',
    target,
    'lladdr',
    '02:00:00:00:00:77',
    'dev',
    near.name,
    'nud',
    'permanent',
  );
  const blast = compileC('blast');
  if (blast === undefined) throw new Error('no C compiler');
  const send = (seconds: number): void => {
    const words = [blast, target, 10_000, FLOWS, RATE * seconds, RATE, OCTETS, 0].map(String);
    const [program, ...rest] = near.netns.command('sh', '-c', `sleep ${LEAD_S}; exec "$@"`, 'sh', ...words);
    spawn(program!, rest, { stdio: 'ignore' });
  };
  const pcapid = (seconds: number): Run => {
    const database = join(folder, `${Math.random()}.db`);
    send(seconds);
    const until = `${seconds + LEAD_S + 1}s`;
    const words = ['record', '-q', '-i', near.name, '--db', database, '--for', until, 'udp'];
    const { cpuS } = measure(near.netns.command(process.execPath, 'dist/pcapid.cjs', ...words));
    const { packets, kernel_drops } = readCapture(database);
    return { cpuS, captured: Number(packets), dropped: Number(kernel_drops) };
  };
  const tcpdump = (seconds: number): Run => {
    send(seconds);
    const timeout = ['timeout', '--preserve-status', '-s', 'INT', String(seconds + LEAD_S + 1)];
    const words = ['tcpdump', '-i', near.name, '-B', '8192', '-w', '/dev/null', 'udp'];
    return { cpuS: measure(near.netns.command(...timeout, ...words)).cpuS, captured: 0, dropped: 0 };
  };
  console.log(`Node ${process.version}, ${RATE} packets/s, medians of ${ROUNDS} rounds\n`);
  const rounds = Array.from({ length: ROUNDS }, () => ({
    pcapid: [pcapid(SHORT_S), pcapid(LONG_S)],
    tcpdump: [tcpdump(SHORT_S), tcpdump(LONG_S)],
  }));
  const nsOf = ([short, long]: readonly Run[]): number =>
    ((long!.cpuS - short!.cpuS) / (RATE * (LONG_S - SHORT_S))) * 1e9;
  const ours = median(rounds.map((round) => nsOf(round.pcapid)));
  const theirs = median(rounds.map((round) => nsOf(round.tcpdump)));
  const all = rounds.flatMap((round) => round.pcapid);
  const sum = (pick: (run: Run) => number): number => all.reduce((total, run) => total + pick(run), 0);
  console.log('| program | ns of CPU per packet | captured | dropped |');
  console.log('|---|---|---|---|');
  const sent = RATE * (SHORT_S + LONG_S) * ROUNDS;
  console.log(
    `| pcapid | ${ours.toFixed(0)} | ${sum((run) => run.captured)} of ${sent} | ${sum((run) => run.dropped)} |`,
  );
  console.log(`| tcpdump | ${theirs.toFixed(0)} | | |`);
  console.log(`| pcapid is | ${(ours / theirs).toFixed(1)} times tcpdump | | |`);
} finally {
  lab.close();
  rmSync(folder, { recursive: true });
}
