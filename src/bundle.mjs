/**
 * Bundles the program and its threads into dist/*.cjs: one file each starts in half the time of 100 modules. Each command
 * has a file of its own, because compiling all of them takes longer than answering a question.
 * `node src/bundle.mjs`
 */
import { chmodSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Database from 'better-sqlite3';
import { build } from 'esbuild';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

/** Options that the program and the tests share; `test/run.mjs` builds the tests with them. */
export const bundleOptions = {
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  outExtension: { '.js': '.cjs' },
  external: ['better-sqlite3', 'cap', 'esbuild', 'typescript'],
  define: {
    __PCAPID_VERSION__: JSON.stringify(version),
    __PCAPID_DRIVER__: JSON.stringify(readDriverVersion()),
    __PCAPID_SCHEMA__: JSON.stringify(await schemaOf('src/store/migrations.ts')),
  },
  sourcemap: 'linked',
  logLevel: 'warning',
};

const COMMANDS = 'src/cli/commands';
const SHARED = './shared.cjs';

/** What a command needs only for some of its options, and that is larger than the rest of it. */
const LATER = ['src/cli/explain-file.ts', 'src/cli/who-frame.ts'];

/** The program and its commands have classes in common, whose objects have to be recognised in either. */
const programEntries = {
  pcapid: 'src/cli/main.ts',
  ...Object.fromEntries(
    readdirSync(join(root, COMMANDS))
      .filter((file) => file !== 'index.ts')
      .map((file) => [`command-${basename(file, '.ts')}`, `${COMMANDS}/${file}`]),
  ),
  ...Object.fromEntries(LATER.map((path) => [basename(path, '.ts'), path])),
};

const DRIVER = 'src/store/bundled-driver.ts';
const driverApart = {
  name: 'driver-apart',
  setup({ onResolve }) {
    onResolve({ filter: /\/bundled-driver\.ts$/ }, ({ kind }) =>
      kind === 'entry-point' ? undefined : { path: './driver.cjs', external: true },
    );
  },
};

/** What programEntries leave to SHARED, and what pcapid leaves to the files of the commands. */
const separate = {
  name: 'separate',
  setup({ onResolve }) {
    onResolve({ filter: /^commander$|\/core\/errors\.ts$/ }, () => ({ path: SHARED, external: true }));
    onResolve({ filter: /\.ts$/ }, ({ kind, path }) => {
      if (kind !== 'dynamic-import') return undefined;
      const prefix = LATER.some((later) => basename(later) === basename(path)) ? '' : 'command-';
      return { path: `./${prefix}${basename(path, '.ts')}.cjs`, external: true };
    });
  },
};

/** The parser of options would start programs for commands of others; loading what it takes delays each of ours. */
const noPrograms = {
  name: 'no-programs',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node:child_process$/ }, ({ importer, path }) =>
      /\/commander\//.test(importer) ? { path, namespace: 'no-programs' } : undefined,
    );
    onLoad({ filter: /./, namespace: 'no-programs' }, () => ({ contents: 'module.exports = {};' }));
  },
};

const entryPoints = {
  shared: 'src/cli/shared.ts',
  start: 'src/cli/start.ts', // npm start
  'capture-thread': 'src/app/record/capture/capture-thread.ts',
  'observer-thread': 'src/app/record/observe/observer-thread.ts',
  'newborn-thread': 'src/app/record/observe/newborn-thread.ts',
  'store-thread': 'src/app/record/store-thread.ts',
  'hash-thread': 'src/app/provenance/hash-thread.ts',
  'writer-thread': 'src/app/record/write/writer-thread.ts',
  'cap-child': 'src/capture/cap-child.ts', // one capture of --backend cap
};

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const options = {
    ...bundleOptions,
    absWorkingDir: root,
    outdir: 'dist',
    minifyWhitespace: true, // a third less to parse
    banner: { js: '#!/usr/bin/env node' },
  };
  await build({ ...options, entryPoints, plugins: [noPrograms, driverApart] });
  // The driver of SQLite, for as long as the version that is installed is this one: its files take long to find.
  await build({ ...options, entryPoints: { driver: DRIVER }, external: ['bindings'] });
  // import() as require(): Node's loader of modules takes longer to start than a command to load.
  await build({
    ...options,
    entryPoints: programEntries,
    plugins: [driverApart, separate],
    supported: { 'dynamic-import': false },
  });
  chmodSync(join(root, 'dist/pcapid.cjs'), 0o755); // npx runs it
}

function readDriverVersion() {
  return JSON.parse(readFileSync(join(root, 'node_modules/better-sqlite3/package.json'), 'utf8')).version;
}

/**
 * Everything in a database that the migrations make, as text: making it for each command, only to compare, takes longer
 * than most answers.
 */
async function schemaOf(migrations) {
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: [migrations],
    bundle: true,
    format: 'esm',
    write: false,
  });
  const { MIGRATIONS } = await import(
    `data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString('base64')}`
  );
  const db = new Database(':memory:');
  db.exec(MIGRATIONS.join('\n'));
  const rows = db.prepare('SELECT type, name, sql FROM sqlite_schema ORDER BY type, name').raw().all();
  db.close();
  return { version: MIGRATIONS.length, rows: JSON.stringify(rows) };
}
