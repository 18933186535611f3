/**
 * Packets per cpu-second of `pcapid read FILE --summary`, the whole process, beside tcpdump -w /dev/null (which counts no
 * flows), softflowd (flows of IPv4 alone), tshark and a C program that only reads, decodes and counts flows. All of them
 * run in turn, so that a noisy machine is noisy for all: trust the ratios.
 *
 *   npm run bench -- read [--quick] [--rounds N] [--only FILE] [--node PATH]
 *
 * --quick takes a tenth of the packets; --node measures another Node.js. Files of up to 2.2 GB are made in
 * $PCAPID_BENCH_FILES (default: a folder in the system's temporary one), one at a time, and deleted.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { measure, median, type Usage } from './measure.ts';

type Format = 'pcap' | 'pcapng';
interface TestFile {
  readonly name: string;
  readonly packets: number;
  readonly gen: readonly number[]; // flows, active flows, snaplen, seed
  readonly formats: readonly Format[];
  readonly peers: readonly string[];
}
const FILES: readonly TestFile[] = [
  {
    name: 'mixed',
    packets: 5e6,
    gen: [20_000, 3500, 262_144, 1],
    formats: ['pcap', 'pcapng'],
    peers: ['tcpdump', 'softflowd', 'tshark', 'C'],
  },
  { name: 'small', packets: 20e6, gen: [60_000, 10_000, 96, 2], formats: ['pcap', 'pcapng'], peers: ['tcpdump', 'C'] },
  {
    name: 'many-flows',
    packets: 1e6,
    gen: [500_000, 50_000, 96, 3],
    formats: ['pcap', 'pcapng'],
    peers: ['tcpdump', 'softflowd', 'C'],
  },
];
/** tshark keeps everything in memory, 0.7 kB a packet: it gets the first packets of the same traffic. */
const TSHARK_PACKETS = 200_000;

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '3' },
    only: { type: 'string' },
    node: { type: 'string', default: process.execPath },
  },
});
const rounds = Math.max(1, Number(values.rounds));
const share = values.quick ? 10 : 1;
const root = process.env.PCAPID_BENCH_FILES ?? tmpdir();
mkdirSync(root, { recursive: true });
const folder = mkdtempSync(join(root, 'pcapid-bench-'));
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));

for (const [program, flags] of [
  ['gen', ['-O2']],
  ['cflow', ['-O3', '-march=native']],
] as const) {
  execFileSync('cc', [...flags, '-o', join(folder, program), `test/bench/${program}.c`, '-lm']);
}
execFileSync(process.execPath, ['src/bundle.mjs']);
const version = execFileSync(values.node, ['--version'], { encoding: 'utf8' }).trim();
console.log(`Node ${version}, ${cpus()[0]?.model}, medians of ${rounds} rounds, user and system time\n`);
console.log('| file | program | million packets per cpu-second | peak MiB | pcapid is |');
console.log('|---|---|---|---|---|');
for (const file of FILES) {
  if (values.only !== undefined && values.only !== file.name) continue;
  for (const format of file.formats) benchmark(file, format);
}

function benchmark({ name, packets: all, gen, peers }: TestFile, format: Format): void {
  const packets = all / share;
  const [flows, ...rest] = gen;
  const make = (of: number): string => {
    const path = join(folder, `${name}-${of}.${format}`);
    const words = [path, of, (flows! * of) / all, ...rest, format].map(String);
    execFileSync(join(folder, 'gen'), words, { stdio: 'ignore' });
    return path;
  };
  const path = make(packets);
  const short = peers.includes('tshark') ? make(TSHARK_PACKETS) : path;
  const commands: Readonly<Record<string, readonly string[]>> = {
    tcpdump: ['tcpdump', '-r', path, '-w', '/dev/null'],
    softflowd: ['softflowd', '-m', '1000000', '-r', path],
    tshark: ['tshark', '-q', '-z', 'conv,tcp', '-r', short],
    C: [join(folder, 'cflow'), path],
  };
  const programs = peers.filter((peer) => (peer !== 'C' || format === 'pcap') && isThere(commands[peer]![0]!));
  const usages = new Map<string, Usage[]>(['pcapid', ...programs].map((program) => [program, []]));
  for (let round = 0; round < rounds; round++) {
    for (const [program, seen] of usages) {
      if (program === 'tshark' && round > 0) continue; // it takes a minute
      seen.push(measure(commands[program] ?? [values.node, 'dist/pcapid.cjs', 'read', path, '--summary']));
    }
  }
  check(usages.get('pcapid')![0]!.out, packets);
  const cpuOf = (program: string): number => {
    const cpu = median(usages.get(program)!.map(({ cpuS }) => cpuS));
    return program === 'tshark' ? (cpu * packets) / TSHARK_PACKETS : cpu;
  };
  const what = `${name}, ${packets / 1e6} M, ${(statSync(path).size / 1e9).toFixed(2)} GB ${format}`;
  for (const [program, seen] of usages) {
    const peak = Math.max(...seen.map(({ rssMiB }) => rssMiB)).toFixed(0);
    const ratio = program === 'pcapid' ? '' : `${(cpuOf(program) / cpuOf('pcapid')).toFixed(2)} times ${program}`;
    console.log(`| ${what} | ${program} | ${(packets / cpuOf(program) / 1e6).toFixed(2)} | ${peak} | ${ratio} |`);
  }
  rmSync(path);
  rmSync(short, { force: true });
}

/** A fast program that counts wrongly is not measured. */
function check(ours: string, packets: number): void {
  if (!ours.startsWith(`${packets} packets,`)) throw new Error(`${packets} packets, but pcapid says: ${ours}`);
}

function isThere(program: string): boolean {
  const there = spawnSync('sh', ['-c', 'command -v "$0"', program]).status === 0;
  if (!there) console.error(`${program} is not installed: not measured`);
  return there;
}
