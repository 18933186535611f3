/**
 * Runs the checks in phases: types, lint, unit, property, golden, live.
 * `node test/run.mjs [phase ...] [file ...] [--update] [--no-skip]`: without a phase all of them; an argument with a
 * slash or ending in .ts selects test files by a part of their path. Tests are bundled as the program is (Node 20 reads
 * no TypeScript) and run by node:test.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { bundleTests } from './bundle.mjs';
import { runsAlone, staleLines } from './live/alone.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const outdir = join(root, 'build', 'test', String(process.pid)); // two runs at once do not meet
const reporter = pathToFileURL(join(root, 'test', 'support', 'summary-reporter.mjs')).href;

const CHECKS = {
  types: [join('node_modules', '.bin', 'tsc'), ['--noEmit']],
  lint: [join('node_modules', '.bin', 'biome'), ['check', '--error-on-warnings']],
};
const TESTS = {
  unit: { concurrency: 2, timeoutS: 900, byFolder: true },
  property: { concurrency: 2, timeoutS: 300, needsProgram: true },
  golden: { concurrency: 2, timeoutS: 900, needsProgram: true },
  live: { concurrency: 3, timeoutS: 1200, needsProgram: true, needsRoot: true, isAlone: runsAlone },
};

const words = process.argv.slice(2);
const options = new Set(words.filter((word) => word.startsWith('--')));
const filters = words.filter((word) => !word.startsWith('--') && (word.includes('/') || word.endsWith('.ts')));
const phases = words.filter((word) => !word.startsWith('--') && !filters.includes(word));

const total = { passed: 0, failed: 0, skipped: 0, failing: [], skips: [] };
let interrupted = false; // by Ctrl-C or a supervisor: no further phase
process.chdir(root);
refuseUnknownWords();
removeAbandoned();
try {
  await runPhases();
} finally {
  rmSync(outdir, { recursive: true, force: true });
}
report();

function refuseUnknownWords() {
  const known = [...Object.keys(CHECKS), ...Object.keys(TESTS), '--update', '--no-skip'];
  const unknown = [...phases, ...options].find((word) => !known.includes(word));
  if (unknown === undefined) return;
  console.error(`test/run.mjs: '${unknown}' is none of: ${known.join(' ')}`);
  process.exit(1);
}

/** Bundles of runs that were killed. */
function removeAbandoned() {
  const folder = dirname(outdir);
  for (const pid of existsSync(folder) ? readdirSync(folder) : [])
    if (!existsSync(join('/proc', pid))) rmSync(join(folder, pid), { recursive: true, force: true });
}

async function runPhases() {
  const wanted = (phase) => !interrupted && (phases.length === 0 || phases.includes(phase));
  for (const [phase, [command, args]] of Object.entries(CHECKS))
    if (wanted(phase) && (filters.length === 0 || phases.includes(phase))) await runCheck(phase, command, args);

  let ran = 0;
  for (const [phase, settings] of Object.entries(TESTS)) {
    const files = wanted(phase) ? selectTests(phase) : [];
    if (files.length > 0) await runTests(phase, settings, files);
    ran += files.length;
  }
  for (const line of staleLines()) fail(`test/live/alone.mjs: there is no test/live/${line}`);
  if (filters.length > 0 && ran === 0) fail(`no test file has ${filters.join(' or ')} in its path`);
}

async function runCheck(name, command, args) {
  headline(name);
  if ((await run(command, args)) !== 0) return fail(name);
  total.passed++;
}

function selectTests(phase) {
  const folder = join('test', phase);
  if (!existsSync(folder)) return [];
  const hasCap = existsSync(join('node_modules', 'cap')); // an optional peer: without it its backend is not tested
  return readdirSync(folder, { recursive: true })
    .map((path) => join(folder, path))
    .filter((path) => path.endsWith('.test.ts') && (hasCap || !path.startsWith(join('test', 'live', 'cap'))))
    .filter((path) => filters.length === 0 || filters.some((part) => path.includes(part.replace(/^\.\//, ''))))
    .sort();
}

async function runTests(phase, { needsProgram, needsRoot, ...settings }, files) {
  headline(`${phase}: ${files.length} files`);
  const prefix = needsRoot ? asRoot() : [];
  if (prefix === undefined) return skip(phase, 'not root, and user namespaces are not allowed here');
  if (needsProgram && (await run(process.execPath, [join('native', 'setup.mjs')])) !== 0) fail(`set-up for ${phase}`);
  for (const part of partsOf(files, settings)) if (!interrupted) await runPart(phase, prefix, settings, part);
}

/** What runs at once, then what runs one after the other. */
function partsOf(files, { concurrency, isAlone = () => false }) {
  const parts = [
    { name: 'at-once', concurrency, files: files.filter((file) => !isAlone(file)) },
    { name: 'alone', concurrency: 1, files: files.filter(isAlone) },
  ];
  return parts.filter((part) => part.files.length > 0);
}

async function runPart(phase, prefix, { timeoutS, byFolder }, { name, concurrency, files }) {
  console.log(`\n${files.length} files, ${concurrency === 1 ? 'one after the other' : `${concurrency} at once`}`);
  const programs = await bundleTests(files, outdir, byFolder);
  if (programs === undefined) return fail(`bundling of the ${phase} tests`);
  const resultFile = join(outdir, `${phase}-${name}.json`);
  const [command, ...args] = [
    ...prefix,
    process.execPath,
    '--enable-source-maps',
    '--test',
    `--test-concurrency=${concurrency}`,
    `--test-timeout=${timeoutS * 1000}`,
    ...['--test-reporter=spec', '--test-reporter-destination=stdout'],
    ...[`--test-reporter=${reporter}`, `--test-reporter-destination=${resultFile}`],
    ...programs,
  ];
  const code = await run(command, args);
  addResult(phase, code, resultFile);
}

/** @returns what to put before a command, or undefined when it cannot be had */
function asRoot() {
  if (process.getuid() === 0) return [];
  // A user namespace with a /run of its own: `ip netns add` writes there.
  const script = 'mount -t tmpfs tmpfs /run && ip link set lo up && exec "$@"';
  const prefix = ['unshare', '-rnm', 'sh', '-c', script, 'sh'];
  return spawnSync(prefix[0], [...prefix.slice(1), 'true']).status === 0 ? prefix : undefined;
}

function addResult(phase, code, resultFile) {
  const text = existsSync(resultFile) ? readFileSync(resultFile, 'utf8') : '';
  if (text === '') return fail(`${phase}: node --test ended with ${code} and no result`);
  const { counts, failing, skipped } = JSON.parse(text);
  const failed = counts.fail + (counts.cancelled ?? 0);
  total.passed += counts.pass;
  total.failed += failed;
  total.skipped += skipped.length; // the counts of node:test leave skipped suites out
  total.failing.push(...failing.map(({ name, file }) => `${sourceName(phase, file)}: ${name}`));
  total.skips.push(...skipped.map(({ name, file, why }) => `${sourceName(phase, file)}: ${name} (${why})`));
  if (code !== 0 && failed === 0) fail(`${phase}: node --test ended with ${code}`);
}

function sourceName(phase, file) {
  if (file === undefined) return phase;
  return file.startsWith(outdir) ? join('test', relative(outdir, file)).replace(/\.cjs$/, '.ts') : relative(root, file);
}

function fail(what) {
  total.failed++;
  total.failing.push(what);
}

function skip(what, why) {
  total.skipped++;
  total.skips.push(`${what} (${why})`);
}

function headline(text) {
  console.log(`\n== ${text}`);
}

/** @returns exit code; a signal counts as 128 */
function run(command, args) {
  const { PCAPID_DB: _, ...env } = process.env; // somebody's real database
  if (options.has('--update')) env.PCAPID_UPDATE_GOLDEN = '1';
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: 'inherit', env });
    const forward = (signal) => {
      interrupted = true;
      child.kill(signal);
    };
    process.on('SIGTERM', forward).on('SIGINT', forward);
    const end = (code) => {
      process.off('SIGTERM', forward).off('SIGINT', forward);
      resolve(code);
    };
    child.once('error', (error) => {
      console.error(`${command}: ${error.message}`);
      end(127);
    });
    child.once('close', (code) => end(code ?? 128));
  });
}

function report() {
  const { failing, skips } = total;
  const forbidden = options.has('--no-skip') ? skips.map((text) => `${text}, and --no-skip forbids it`) : [];
  const passed = total.passed;
  const failed = total.failed + forbidden.length;
  const skipped = total.skipped - forbidden.length;
  console.log('');
  if (forbidden.length === 0) for (const text of skips) console.log(`skipped: ${text}`);
  for (const text of [...failing, ...forbidden]) console.log(`failed: ${text}`);
  if (interrupted) console.log('interrupted: what follows was not run');
  console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
  process.exitCode = failed > 0 || interrupted ? 1 : 0;
}
