/**
 * Mutates the captures of captures/ and reads them, for ten minutes: nothing but a result or a clean error may come of
 * it. `npm run fuzz -- [SECONDS [SEED]]`; a file that fails is kept in build/fuzz and named.
 */
import { spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { bundleOptions } from '../../src/bundle.mjs';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const folder = join(root, 'build', 'fuzz');
const USAGE = `Usage: npm run fuzz -- [SECONDS [SEED]]

Mutates the files of captures/ and reads them, for ten minutes unless told otherwise. A seed
that found something finds it again; a file that fails is kept in build/fuzz and named.

Examples:
  npm run fuzz
  npm run fuzz -- 60
  npm run fuzz -- 600 4711`;
const words = process.argv.slice(2);
if (words.includes('--help') || words.includes('-h')) {
  console.log(USAGE);
  process.exit();
}
if (words.length > 2 || words.some((word) => !/^\d{1,9}$/.test(word))) {
  console.error(`fuzz: not two whole numbers: ${words.join(' ')}\n${USAGE}`);
  process.exit(2);
}
const [seconds = '600', seed = String(process.pid)] = words;
const QUIET_MS = 60_000; // it says something every ten seconds

process.chdir(root);
mkdirSync(folder, { recursive: true });
const { outExtension: _, ...options } = bundleOptions;
const program = join(folder, 'fuzz.cjs');
await build({ ...options, absWorkingDir: root, entryPoints: [join('test', 'fuzz', 'fuzz.ts')], outfile: program });

const path = join(folder, `case-${process.pid}`);
console.log(`seed ${seed}, ${seconds} s`);
const args = ['--enable-source-maps', '--max-old-space-size=400', program, seconds, seed, path];
const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
let hangs = false;
const watch = () =>
  setTimeout(() => {
    hangs = true;
    child.kill('SIGKILL');
  }, QUIET_MS);
let timer = watch();
child.stdout.on('data', (text) => {
  process.stdout.write(text);
  clearTimeout(timer);
  timer = watch();
});
child.on('close', (code, signal) => {
  clearTimeout(timer);
  if (code === 0) return rmSync(path, { force: true });
  const kept = join(folder, `failed-${seed}-${Date.now()}`);
  copyFileSync(path, kept);
  console.error(`${hangs ? 'it hangs' : `ended with ${code ?? signal}`}: ${kept}`);
  process.exitCode = 1;
});
