/**
 * Packets per cpu-second of reading, decoding and counting flows, beside `tcpdump -r F -w /dev/null` (no flows) and a C
 * program that does only this. Rounds are interleaved, so that a noisy machine is noisy for all.
 */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { measure, median, type Usage } from './measure.ts';

const ROUNDS = Number(process.env.ROUNDS ?? 5);
const build = 'build/bench';

interface TestFile {
  readonly name: string;
  readonly gen: string; // arguments of gen: packets, flows, active flows, snaplen, seed
  readonly packets: number;
  readonly capacity: number;
}
const FILES: readonly TestFile[] = [
  { name: 'imix', gen: '5000000 20000 3500 262144 1', packets: 5e6, capacity: 262_144 },
  { name: 'small', gen: '5000000 20000 3500 96 2', packets: 5e6, capacity: 262_144 },
  { name: 'many-flows', gen: '1000000 500000 50000 96 3', packets: 1e6, capacity: 1_048_576 },
];

for (const [program, flags] of [
  ['gen', ['-O2']],
  ['cflow', ['-O3', '-march=native']],
] as const) {
  execFileSync('gcc', [...flags, '-o', join(build, program), `test/bench/${program}.c`, '-lm']);
}
console.log(`Node ${process.version}, ${cpus()[0]?.model}, medians of ${ROUNDS} rounds, user and system time\n`);
console.log('| file | program | million packets per cpu-second | best round | peak MiB |');
console.log('|---|---|---|---|---|');
for (const file of FILES) benchmark(file);

function benchmark({ name, gen, packets, capacity }: TestFile): void {
  const path = join(build, `${name}.pcap`);
  if (!existsSync(path)) execFileSync(join(build, 'gen'), [path, ...gen.split(' ')], { stdio: 'ignore' });
  const commands: Readonly<Record<string, readonly string[]>> = {
    pcapid: [process.execPath, join(build, 'decode-flow.cjs'), path, String(capacity)],
    'with names': [process.execPath, join(build, 'decode-flow.cjs'), path, String(capacity), 'names'],
    tcpdump: ['tcpdump', '-r', path, '-w', '/dev/null'],
    C: [join(build, 'cflow'), path],
  };
  const usages = new Map<string, Usage[]>(Object.keys(commands).map((program) => [program, []]));
  for (let round = 0; round < ROUNDS; round++) {
    for (const [program, command] of Object.entries(commands)) usages.get(program)!.push(measure(command));
  }
  check(name, usages.get('pcapid')![0]!.out, usages.get('C')![0]!.out);
  const rate = (cpuS: number): string => (packets / cpuS / 1e6).toFixed(2);
  for (const [program, all] of usages) {
    const cpu = all.map(({ cpuS }) => cpuS);
    const peak = Math.max(...all.map(({ rssMiB }) => rssMiB)).toFixed(0);
    console.log(`| ${name} | ${program} | ${rate(median(cpu))} | ${rate(Math.min(...cpu))} | ${peak} |`);
  }
  const cpuOf = (program: string): number => median(usages.get(program)!.map(({ cpuS }) => cpuS));
  const times = (program: string): string => (cpuOf(program) / cpuOf('pcapid')).toFixed(2);
  const ofNames = (cpuOf('with names') / cpuOf('pcapid') - 1) * 100;
  console.log(`| ${name} | pcapid is | ${times('tcpdump')} times tcpdump | ${times('C')} times C | |`);
  console.log(`| ${name} | names cost | ${ofNames.toFixed(0)} % of CPU time | | |`);
}

/** A fast program that counts wrongly is not measured. Flows differ: C knows no end of a flow. */
function check(name: string, ours: string, yardstick: string): void {
  const [a, b] = [JSON.parse(ours), JSON.parse(yardstick)] as { packets: number; bytes: number }[];
  if (a!.packets !== b!.packets || a!.bytes !== b!.bytes) throw new Error(`${name}: ${ours} but C says ${yardstick}`);
}
