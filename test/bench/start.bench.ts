/**
 * How long commands take to start, beside `node -e 0` in the same run, alternately: the ratio of medians is the result.
 * `npm run bench -- start [--runs 25]`
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { measure, median, type Usage } from './measure.ts';

const PROGRAM = 'dist/pcapid.cjs';
const at = process.argv.indexOf('--runs');
const runs = at < 0 ? 25 : Number(process.argv[at + 1]);

const folder = mkdtempSync(join(tmpdir(), 'pcapid-start-'));
const database = join(folder, 'demo.db');
const node = (...words: readonly string[]): Usage => measure([process.execPath, ...words]);
node(PROGRAM, 'read', 'captures/demo.pcap', '--facts', 'captures/demo.facts.ndjson', '--db', database);

const commands: Readonly<Record<string, readonly string[]>> = {
  'node -e 0': ['-e', '0'],
  'pcapid --help': [PROGRAM, '--help'],
  'pcapid usage': [PROGRAM, 'usage', '--db', database],
  'pcapid flows': [PROGRAM, 'flows', '--db', database],
  'pcapid hosts': [PROGRAM, 'hosts', '--db', database],
};
const usages = Object.keys(commands).map((): Usage[] => []);
for (let i = 0; i < runs; i++)
  for (const [k, words] of Object.values(commands).entries()) usages[k]!.push(node(...words));
rmSync(folder, { recursive: true });

console.log(`${runs} alternating runs, medians; bar: --help and usage at most 1.6 times node -e 0\n`);
console.log(`${'Node '.concat(process.version).padEnd(16)}   wall ms  times    CPU ms  times`);
const wallOf = (k: number): number => median(usages[k]!.map(({ wallS }) => wallS * 1000));
const cpuOf = (k: number): number => median(usages[k]!.map(({ cpuS }) => cpuS * 1000));
for (const [k, name] of Object.keys(commands).entries()) {
  const cells = [wallOf, cpuOf].map(
    (of) => `${of(k).toFixed(0).padStart(10)} ${(of(k) / of(0)).toFixed(2).padStart(6)}`,
  );
  console.log(name.padEnd(16) + cells.join(''));
}
