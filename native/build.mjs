/**
 * Builds build/pcapid.node with g++ alone: `node native/build.mjs [OUTPUT]`.
 *
 * No node-gyp, no Python, no download: the headers come from the npm package node-api-headers and libpcap is loaded
 * at run time. All sources are one translation unit, which takes a third of the time. $CXX and $CXXFLAGS are heeded.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const output = resolve(process.argv[2] ?? join(here, '..', 'build', 'pcapid.node'));
const started = process.hrtime.bigint();

const [target] = JSON.parse(readFileSync(join(here, 'binding.gyp'), 'utf8')).targets; // JSON is valid gyp
const unit = join(dirname(output), 'pcapid-addon.cc');
mkdirSync(dirname(output), { recursive: true });
writeFileSync(unit, target.sources.map((name) => `#include "${join(here, name)}"\n`).join(''));

const compiler = process.env.CXX ?? 'g++';
const fresh = `${output}.${process.pid}`; // renamed at the end: a running program keeps the file that it has mapped
const args = [
  ...target.cflags_cc,
  ...target.defines.map((name) => `-D${name}`),
  '-fPIC',
  '-shared',
  `-I${headerFolder()}`,
  ...(process.env.CXXFLAGS ?? '').split(' ').filter((flag) => flag !== ''),
  unit,
  '-o',
  fresh,
  ...target.libraries,
];

const run = spawnSync(compiler, args, { encoding: 'utf8' });
if (run.error !== undefined) {
  fail(`${compiler} cannot be run (${run.error.code ?? run.error.message}).`, 'Install it: apt-get install g++');
}
if (run.status !== 0) {
  const repeat = [compiler, ...args].map(quote).join(' ');
  fail(`${run.stderr.trimEnd().split('\n').slice(-20).join('\n')}\nThe addon did not compile.`, `Repeat: ${repeat}`);
}
process.stderr.write(run.stderr); // warnings
renameSync(fresh, output);
console.log(`built ${output} in ${Number((process.hrtime.bigint() - started) / 1_000_000n)} ms`);

function headerFolder() {
  try {
    return createRequire(import.meta.url)('node-api-headers').include_dir;
  } catch {
    fail('The npm package node-api-headers is missing.', 'Install the packages first: npm ci');
  }
}

function quote(word) {
  return /^[\w./=+:@,-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

function fail(text, remedy) {
  console.error(`${text}\n${remedy}`);
  process.exit(1);
}
