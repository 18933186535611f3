/**
 * CPU per packet and drops of `pcapid record` on a veth, beside `tcpdump -w /dev/null` on the same traffic: UDP datagrams
 * of 142 octets over 1,000 flows, at two rates. Idle CPU (start-up, observer) is measured apart and subtracted.
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
const SECONDS = 5;
const LEAD_S = 2; // the recorder is ready by then
const RATES = [50_000, 200_000];
const FLOWS = 1000;
const OCTETS = 100;

interface Run {
  readonly cpuS: number;
  readonly dropped: number;
  readonly captured: number;
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
  const send = (rate: number): void => {
    const words = [blast, target, 10_000, FLOWS, rate * SECONDS, rate, OCTETS, 0].map(String);
    const [program, ...rest] = near.netns.command('sh', '-c', `sleep ${LEAD_S}; exec "$@"`, 'sh', ...words);
    spawn(program!, rest, { stdio: 'ignore' });
  };
  const wholeS = SECONDS + LEAD_S + 2;
  const pcapid = (rate: number): Run => {
    const database = join(folder, `${rate}-${Math.random()}.db`);
    if (rate > 0) send(rate);
    const words = ['record', '-q', '-i', near.name, '--db', database, '--for', `${wholeS}s`, 'udp'];
    const { cpuS } = measure(near.netns.command(process.execPath, 'dist/pcapid.cjs', ...words));
    const { packets, kernel_drops } = readCapture(database);
    return { cpuS, dropped: Number(kernel_drops), captured: Number(packets) };
  };
  const tcpdump = (rate: number): Run => {
    if (rate > 0) send(rate);
    const words = ['-i', near.name, '-B', '8192', '-w', '/dev/null', 'udp'];
    const { cpuS } = measure(
      near.netns.command('timeout', '--preserve-status', '-s', 'INT', String(wholeS), 'tcpdump', ...words),
    );
    return { cpuS, dropped: 0, captured: rate * SECONDS };
  };
  const idle = median(Array.from({ length: ROUNDS }, () => pcapid(0).cpuS));
  console.log(`Node ${process.version}; ${ROUNDS} rounds; idle for ${wholeS} s: pcapid ${idle.toFixed(2)} s of CPU\n`);
  console.log('| packets/s | program | ns of CPU per packet | captured | dropped |');
  console.log('|---|---|---|---|---|');
  for (const rate of RATES) {
    const rounds = Array.from({ length: ROUNDS }, () => ({ pcapid: pcapid(rate), tcpdump: tcpdump(rate) }));
    const packets = rate * SECONDS;
    const ns = (cpuS: number): number => (cpuS / packets) * 1e9;
    const ours = median(rounds.map((r) => ns(r.pcapid.cpuS - idle)));
    const theirs = median(rounds.map((r) => ns(r.tcpdump.cpuS)));
    const dropped = rounds.reduce((sum, r) => sum + r.pcapid.dropped, 0);
    const captured = rounds.reduce((sum, r) => sum + r.pcapid.captured, 0);
    console.log(`| ${rate} | pcapid | ${ours.toFixed(0)} | ${captured} of ${packets * ROUNDS} | ${dropped} |`);
    console.log(`| ${rate} | tcpdump | ${theirs.toFixed(0)} | | |`);
    console.log(`| ${rate} | pcapid is | ${(ours / theirs).toFixed(2)} times tcpdump | | |`);
  }
} finally {
  lab.close();
  rmSync(folder, { recursive: true });
}
