/**
 * Everything between a fresh checkout and a program that runs: system packages, npm packages, addon, bundles.
 * What is done is noted in build/setup.json and not done again, so it can stand before every start.
 * `npm run setup`; `--tests` also installs what the tests use; PCAPID_NO_APT=1 never calls apt-get.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { accessSync, constants, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runStep, say, sayFailure } from './run-step.mjs';
import { ensureSystemPackages } from './system-packages.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const at = (...parts) => join(root, ...parts);
const STAMP = at('build', 'setup.json');
const INSTALLED = at('node_modules', '.package-lock.json'); // npm writes it last
const RUNTIME = `${process.versions.modules} ${process.platform} ${process.arch}`; // what a compiled module is bound to

const PARTS = [
  { name: 'packages', inputs: ['package-lock.json'], outputs: [INSTALLED], make: makePackages },
  { name: 'addon', inputs: ['package-lock.json', 'native'], outputs: [at('build', 'pcapid.node')], make: makeAddon },
  {
    name: 'bundles',
    inputs: ['package.json', 'package-lock.json', 'src'],
    outputs: [at('dist', 'pcapid.cjs')],
    make: makeBundles,
  },
];

process.exitCode = (await setUp(process.argv.includes('--tests'))) ? 0 : 1;

async function setUp(withTests) {
  if (!checkNode()) return false;
  const done = readStamp();
  const hashes = Object.fromEntries(PARTS.map(({ name, inputs }) => [name, hashOf(inputs)]));
  const open = PARTS.filter(({ name, outputs }) => done[name] !== hashes[name] || !outputs.every(existsSync));
  if (open.length === 0 && !withTests) return true;
  if (open.length > 0 && !checkOwner()) return false;
  const compiles = open.some(({ make }) => make !== makeBundles);
  const wantedFor = ['run', ...(compiles ? ['build'] : []), ...(withTests ? ['test'] : [])];
  if (!(await ensureSystemPackages(root, wantedFor))) return false;
  for (const { name, make } of open) {
    if (!(await make())) return false;
    done[name] = hashes[name];
    if (!writeStamp(done)) return false;
  }
  return true;
}

/** In a checkout of somebody else nothing can be built, but what its owner built runs. */
function checkOwner() {
  const closed = [root, at('build'), at('dist'), at('node_modules')].find(
    (path) => existsSync(path) && !isWritable(path),
  );
  if (closed !== undefined)
    say(`${closed} belongs to another user: let its owner run \`npm run setup\` once, or make a copy of your own`);
  return closed === undefined;
}

function isWritable(path) {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** Older releases of Node lack what the sources use; better-sqlite3 ends some 22.x with a segmentation fault. */
function checkNode() {
  const { engines } = JSON.parse(readFileSync(at('package.json'), 'utf8'));
  const have = process.versions.node.split('.').map(Number);
  const fits = engines.node.split('||').some((range) => {
    const [, operator, ...want] = /^\s*(\^|>=)(\d+)\.(\d+)\.(\d+)\s*$/.exec(range) ?? [];
    const [major, minor, patch] = want.map(Number);
    if (have[0] !== major) return operator === '>=' && have[0] > major;
    return have[1] > minor || (have[1] === minor && have[2] >= patch);
  });
  if (!fits) say(`Node ${process.versions.node} at ${process.execPath} does not fit; needed: ${engines.node}`);
  return fits;
}

/** SHA-256 over names and contents of files and folders, and over what compiled modules are bound to. */
function hashOf(inputs) {
  const hash = createHash('sha256').update(RUNTIME);
  const add = (path) => {
    hash.update(`\0${path}\0`).update(readFileSync(at(path)));
  };
  for (const input of inputs) {
    if (input.includes('.')) add(input);
    else for (const path of filesBelow(input)) add(path);
  }
  return hash.digest('hex');
}

function filesBelow(folder) {
  return readdirSync(at(folder), { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .filter(({ name }) => name !== 'build' && !name.endsWith('.node')) // products of node-gyp
    .flatMap((entry) => (entry.isDirectory() ? filesBelow(join(folder, entry.name)) : [join(folder, entry.name)]));
}

async function makePackages() {
  const env = npmEnvironment();
  if (!installedAsLocked()) {
    const peers = existsSync(at('node_modules', 'cap'));
    // A NODE_ENV=production or an omit= in some .npmrc would leave the compiler out.
    const args = ['ci', '--include=dev', '--include=optional', '--no-audit', '--no-fund'];
    if (!(await npmStep('npm packages, SQLite is compiled on the way: a minute or two', args, env))) return false;
    if (peers)
      say('npm has removed the optional package cap; `npm install --no-save --save-prod cap@0.2.1` brings it back');
  }
  if (sqliteError() === undefined) return true;
  // Built for another Node, or not built because install scripts are switched off.
  const args = ['rebuild', 'better-sqlite3', '--ignore-scripts=false'];
  if (!(await npmStep('SQLite, a minute or two', args, env))) return false;
  const error = sqliteError();
  if (error !== undefined) say(`better-sqlite3 is installed and does not load: ${error}`);
  return error === undefined;
}

async function npmStep(title, args, env) {
  const cli = process.env.npm_execpath ?? ''; // set when npm runs us: then it is that npm, even where PATH has none
  const [command, before] = cli.endsWith('npm-cli.js') ? [process.execPath, [cli]] : ['npm', []];
  const result = await runStep(title, command, [...before, ...args], { cwd: root, env });
  if (!result.ok) sayFailure(`npm ${args[0]}`, result);
  return result.ok;
}

function npmEnvironment() {
  const env = { JOBS: 'max' }; // node-gyp's make
  const prefix = dirname(dirname(process.execPath));
  // Headers that came with Node spare node-gyp a download from nodejs.org.
  if (existsSync(join(prefix, 'include', 'node', 'node_api.h'))) env.npm_config_nodedir = prefix;
  // Users without a home, and homes that npm once filled as root.
  if (!npmCacheIsWritable()) env.npm_config_cache = at('build', 'npm-cache');
  return env;
}

function npmCacheIsWritable() {
  const cache = process.env.npm_config_cache ?? join(homedir(), '.npm');
  try {
    mkdirSync(cache, { recursive: true });
    for (const folder of [cache, join(cache, '_cacache'), join(cache, '_cacache', 'tmp')])
      if (existsSync(folder)) accessSync(folder, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** Whether every package of the lock is there in its version. Further ones (the optional peer cap) may be. */
function installedAsLocked() {
  if (!existsSync(INSTALLED)) return false;
  const installed = JSON.parse(readFileSync(INSTALLED, 'utf8')).packages;
  const locked = JSON.parse(readFileSync(at('package-lock.json'), 'utf8')).packages;
  return Object.entries(locked).every(([path, { version, optional }]) => {
    if (path === '') return true;
    if (installed[path] === undefined) return optional === true; // made for another platform
    return installed[path].version === version && existsSync(at(path, 'package.json'));
  });
}

/** In a process of its own: a module built for another Node may end it. */
function sqliteError() {
  const script = "new (require('better-sqlite3'))(':memory:').close()";
  const { status, signal, stderr } = spawnSync(process.execPath, ['-e', script], { cwd: root, encoding: 'utf8' });
  if (status === 0) return undefined;
  return signal ?? (/^\w*Error: .*$/m.exec(stderr)?.[0] || `exit code ${status}`);
}

async function makeAddon() {
  const result = await runStep('addon', process.execPath, [join('native', 'build.mjs')], { cwd: root });
  if (!result.ok) sayFailure('addon', result);
  return result.ok;
}

async function makeBundles() {
  const result = await runStep('bundles', process.execPath, [join('src', 'bundle.mjs')], { cwd: root });
  if (!result.ok) sayFailure('bundles', result);
  return result.ok;
}

function readStamp() {
  if (!existsSync(STAMP)) return {};
  try {
    return JSON.parse(readFileSync(STAMP, 'utf8'));
  } catch {
    return {}; // cut off by a full disk or a kill: everything is checked again
  }
}

function writeStamp(done) {
  try {
    mkdirSync(dirname(STAMP), { recursive: true });
    writeFileSync(STAMP, `${JSON.stringify(done, null, 2)}\n`);
    return true;
  } catch (error) {
    say(`${STAMP} cannot be written (${error.code}): run this as the owner of the folder`);
    return false;
  }
}
