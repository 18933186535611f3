/**
 * `npm run bench [-- NAME ... [--option ...]]`: runs test/bench/NAME.bench.ts, or all of them; words from the first
 * option on are theirs. Never part of `npm test`.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { bundleOptions } from '../../src/bundle.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const root = dirname(dirname(here));
const outdir = join(root, 'build', 'bench');
process.chdir(root);
mkdirSync(outdir, { recursive: true });

const all = readdirSync(here)
  .filter((file) => file.endsWith('.bench.ts'))
  .map((file) => file.slice(0, -'.bench.ts'.length));
const words = process.argv.slice(2);
const firstOption = words.findIndex((word) => word.startsWith('--'));
const wanted = firstOption < 0 ? words : words.slice(0, firstOption);
const options = words.slice(wanted.length);
const unknown = wanted.find((name) => !all.includes(name));
if (unknown !== undefined) {
  console.error(`test/bench/run.mjs: '${unknown}' is none of: ${all.join(' ')}`);
  process.exit(2);
}
await build({ ...bundleOptions, entryPoints: readdirSync(here).filter(isTypeScript).map(pathOf), outdir });
for (const name of wanted.length > 0 ? wanted : all) {
  const { status } = spawnSync(process.execPath, [join(outdir, `${name}.bench.cjs`), ...options], { stdio: 'inherit' });
  if (status !== 0) process.exitCode = 1;
}

function isTypeScript(file) {
  return file.endsWith('.ts');
}

function pathOf(file) {
  return join(here, file);
}
