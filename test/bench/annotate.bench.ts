/**
 * CPU and wall time of `pcapid annotate IN OUT`, the whole process, beside `editcap IN OUT` of the same file in the same round:
 * both read it and write it as pcapng. pcapid reads it twice and hashes what it reads and writes.
 *
 *   npm run bench -- annotate [--packets N] [--rounds N]
 *
 * Files (about 0.5 kB a packet) are made in $PCAPID_BENCH_FILES (default: the system's temporary folder) and deleted.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { measure, median, type Usage } from './measure.ts';

const { values } = parseArgs({
  options: { packets: { type: 'string', default: '1000000' }, rounds: { type: 'string', default: '3' } },
});
const packets = Number(values.packets);
const rounds = Math.max(1, Number(values.rounds));
const root = process.env.PCAPID_BENCH_FILES ?? tmpdir();
mkdirSync(root, { recursive: true });
const folder = mkdtempSync(join(root, 'pcapid-bench-'));
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));

const generator = join(folder, 'gen');
execFileSync('cc', ['-O2', '-o', generator, 'test/bench/gen.c', '-lm']);
execFileSync(process.execPath, ['src/bundle.mjs']);
console.log(`Node ${process.version}, ${cpus()[0]?.model}, medians of ${rounds} rounds, user and system time\n`);
console.log(
  '| input | program | CPU seconds | wall seconds | peak MiB | packets a CPU second, of editcap | packets a second |',
);
console.log('|---|---|---|---|---|---|---|');
for (const format of ['pcap', 'pcapng']) {
  const input = join(folder, `in.${format}`);
  execFileSync(generator, [input, packets, packets / 250, 700, 262_144, 1, format].map(String), { stdio: 'ignore' });
  const output = join(folder, 'out.pcapng');
  const commands: Readonly<Record<string, readonly string[]>> = {
    editcap: ['editcap', '-F', 'pcapng', input, output],
    pcapid: [process.execPath, 'dist/pcapid.cjs', 'annotate', input, output, '--force'],
  };
  const usages: Record<string, Usage[]> = { editcap: [], pcapid: [] };
  for (let round = 0; round < rounds; round++)
    for (const [program, command] of Object.entries(commands)) usages[program]!.push(measure(command));
  const out = usages.pcapid![0]!.out;
  if (!out.startsWith(`${packets} packets,`)) throw new Error(`${packets} packets, but pcapid says: ${out}`);
  const medianOf = (program: string, what: 'cpuS' | 'wallS'): number =>
    median(usages[program]!.map((usage) => usage[what]));
  const ratioOf = (what: 'cpuS' | 'wallS'): string => (medianOf('editcap', what) / medianOf('pcapid', what)).toFixed(2);
  for (const [program, seen] of Object.entries(usages)) {
    const peak = Math.max(...seen.map(({ rssMiB }) => rssMiB)).toFixed(0);
    const ratios = program === 'pcapid' ? `${ratioOf('cpuS')} | ${ratioOf('wallS')}` : ' | ';
    const [cpu, wall] = [medianOf(program, 'cpuS'), medianOf(program, 'wallS')].map((seconds) => seconds.toFixed(2));
    console.log(`| ${packets / 1e6} M packets, ${format} | ${program} | ${cpu} | ${wall} | ${peak} | ${ratios} |`);
  }
  rmSync(input);
}
