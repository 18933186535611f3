/** The rules on folders and files of src and test, as functions from facts to violations. */
import { posix } from 'node:path';
import type { SourceFacts } from './source-facts.ts';

const STAGES = ['native', 'capture', 'pcap', 'decode', 'names', 'linux', 'flow', 'attribution', 'store'];

/** A folder of src may import its own files and those of these folders. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  core: [],
  native: ['core'],
  pcap: ['core'],
  decode: ['core'],
  names: ['core'],
  linux: ['core'],
  flow: ['core'],
  attribution: ['core'],
  store: ['core'],
  capture: ['core', 'native', 'pcap'],
  report: ['core'],
  app: ['core', ...STAGES],
  cli: ['core', ...STAGES, 'report', 'app'],
};

/** Packages, and who alone may import them. */
const PACKAGES: Readonly<Record<string, RegExp>> = {
  'better-sqlite3': /^src\/store\//,
  commander: /^src\/cli\//,
  'smol-toml': /^src\/cli\/config-file\.ts$/,
  cap: /^src\/capture\/cap-child\.ts$/,
};

/** Parts of Node that reach outside the process, and who alone may import them. */
const BUILTINS: Readonly<Record<string, RegExp>> = {
  'node:fs': /^src\/(linux\/proc-fs|capture\/(octets|cap-backend|cap-child)|native\/binding|(store|app|cli)\/.*)\.ts$/,
  'node:child_process': /^src\/(capture\/cap-backend|app\/.*|cli\/.*)\.ts$/,
  'node:crypto': /^src\/(names\/quic-keys|app\/files\/.*)\.ts$/,
  'node:worker_threads': /^src\/app\//,
  'node:net': /^$/,
  'node:http': /^$/,
};

/** These compute and nothing else: no part of Node at all. */
const PURE = /^src\/(core|pcap|decode|flow|attribution|report)\//;

/** A clock is handed in; only the joints read one. cap gives no time stamps, so its child takes them at delivery. */
const CLOCK_READERS = /^src\/(app|cli)\/|^src\/capture\/cap-child\.ts$/;

const MAX_LINES = 300;

const folderOf = (path: string): string => path.split('/')[1]!;

/** Path of the file that a relative import means, or undefined for a package. */
function targetOf(from: string, specifier: string): string | undefined {
  return specifier.startsWith('.') ? posix.join(posix.dirname(from), specifier) : undefined;
}

export function importViolations(file: SourceFacts): string[] {
  return file.imports.flatMap(({ specifier }) => {
    const problem = importProblem(file.path, specifier);
    return problem === undefined ? [] : [`${file.path} imports ${specifier}: ${problem}`];
  });
}

function importProblem(path: string, specifier: string): string | undefined {
  const target = targetOf(path, specifier);
  if (target === undefined) return outsideProblem(path, specifier);
  if (!target.endsWith('.ts')) return 'an import names its file, ending in .ts';
  if (!target.startsWith('src/')) return 'it is not in src';
  const [from, to] = [folderOf(path), folderOf(target)];
  const allowed = MAY_IMPORT[from];
  if (allowed === undefined) return `the folder ${from} is not in the table of test/support/architecture.ts`;
  return from === to || allowed.includes(to) ? undefined : `${from} may import only: ${allowed.join(' ') || 'nothing'}`;
}

function outsideProblem(path: string, specifier: string): string | undefined {
  if (specifier.startsWith('node:')) {
    if (PURE.test(path)) return `${folderOf(path)} computes only`;
    return BUILTINS[specifier]?.test(path) === false ? 'this file is not among those that may' : undefined;
  }
  const allowed = PACKAGES[packageOf(specifier)];
  if (allowed === undefined) return 'not a literal of this project, of Node or of a listed package';
  return allowed.test(path) ? undefined : 'this file is not among those that may';
}

/** `name` of `name/package.json`. */
function packageOf(specifier: string): string {
  return specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
}

/** Each cycle once, as `a -> b -> a`. */
export function importCycles(files: readonly SourceFacts[]): string[] {
  const targets = new Map(files.map((file) => [file.path, targetsOf(file)]));
  const done = new Set<string>();
  const cycles: string[] = [];
  const visit = (path: string, trail: readonly string[]): void => {
    const start = trail.indexOf(path);
    if (start >= 0) cycles.push([...trail.slice(start), path].join(' -> '));
    if (start >= 0 || done.has(path)) return;
    for (const target of targets.get(path) ?? []) visit(target, [...trail, path]);
    done.add(path);
  };
  for (const path of targets.keys()) visit(path, []);
  return cycles;
}

function targetsOf({ path, imports }: SourceFacts): string[] {
  return imports.flatMap(({ specifier }) => targetOf(path, specifier) ?? []);
}

/** Rules on one file of src. */
export function sourceViolations(file: SourceFacts): string[] {
  const { path } = file;
  const found: string[] = [];
  if (!/\/[a-z0-9]+(-[a-z0-9]+)*\.ts$/.test(path)) found.push('file names are kebab-case');
  if (/\/utils?\.ts$/.test(path)) found.push('a file is named after what it is');
  if (file.hasDefaultExport) found.push('no default exports');
  if (path.startsWith('src/decode/') && file.throws.length > 0)
    found.push(`a bad packet is a status, never an exception (line ${file.throws.join(', ')})`);
  if (!CLOCK_READERS.test(path) && file.clockReads.length > 0)
    found.push(`a clock is handed in (line ${file.clockReads.join(', ')})`);
  return found.map((problem) => `${path}: ${problem}`);
}

export function lengthViolations(file: { readonly path: string; readonly lines: number }): string[] {
  return file.lines > MAX_LINES ? [`${file.path}: ${file.lines} lines, at most ${MAX_LINES}`] : [];
}

/** Functions, constants and classes of src that no other file of src or test asks for. */
export function deadExports(files: readonly SourceFacts[], entryPoints: readonly string[]): string[] {
  const asked = new Map<string, Set<string>>();
  for (const { path, imports } of files)
    for (const { specifier, names } of imports) {
      const target = targetOf(path, specifier) ?? specifier;
      asked.set(target, new Set([...(asked.get(target) ?? []), ...names]));
    }
  return files
    .filter(({ path }) => path.startsWith('src/') && !entryPoints.includes(path) && !asked.get(path)?.has('*'))
    .flatMap(({ path, valueExports }) =>
      valueExports.filter((name) => !asked.get(path)?.has(name)).map((name) => `${path}: nobody imports ${name}`),
    );
}

const PHASES = /^test\/(unit|property|golden|live)\//;

/** Rules on a test file. @param sourceFolders folders of src */
export function testViolations(file: SourceFacts, sourceFolders: readonly string[]): string[] {
  const found: string[] = [];
  if (!PHASES.test(file.path)) found.push('it lies in no folder that test/run.mjs runs');
  const mirrored = /^test\/unit\/([^/]+)\//.exec(file.path)?.[1];
  if (mirrored !== undefined && !sourceFolders.includes(mirrored)) found.push(`src has no folder ${mirrored}`);
  for (const name of file.testNames) if (!isSentence(name)) found.push(`'${name}' does not say what is expected`);
  const twice = file.testNames.find((name, i) => file.testNames.indexOf(name) !== i);
  if (twice !== undefined) found.push(`two tests are named '${twice}'`);
  for (const { specifier } of file.imports)
    if (specifier.endsWith('.test.ts')) found.push(`it imports another test, ${specifier}`);
  return found.map((problem) => `${file.path}: ${problem}`);
}

/** "decodeIpv4() reports Truncated when the header is cut": a subject, then what it does. */
function isSentence(name: string): boolean {
  return name.trim().split(/\s+/).length >= 3 && !/^(should|test|works)\b/i.test(name);
}
