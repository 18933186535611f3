/** Bundles a program of test/support/programs as the product is bundled, for tests that start it as a process or worker. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { buildSync } from 'esbuild';

/** @returns path of the bundle, below build/, where it finds the addon and the packages */
export function compileProgram(name: string): string {
  const source = `test/support/programs/${name}.ts`; // tests run in the folder of the project
  const outfile = resolve('build', 'test-programs', `${name}.${process.pid}.cjs`);
  buildSync({
    entryPoints: [source],
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    define: { __PCAPID_VERSION__: '"test"' },
    external: ['better-sqlite3', 'cap'],
    sourcemap: 'inline',
    logLevel: 'warning',
  });
  process.once('exit', () => rmSync(outfile, { force: true }));
  return outfile;
}

/**
 * @param parts further files of the program, in the same folder
 * @returns path of a C program of test/bench, compiled with cc; undefined when there is no compiler
 */
export function compileC(name: string, ...parts: readonly string[]): string | undefined {
  const outfile = resolve('build', 'test-programs', `${name}.${process.pid}`);
  mkdirSync(dirname(outfile), { recursive: true });
  const sources = [name, ...parts.map((part) => join(dirname(name), part))].map((file) => `test/bench/${file}.c`);
  const result = spawnSync('cc', ['-O2', '-Wall', '-o', outfile, ...sources], { encoding: 'utf8' });
  if (result.error !== undefined) return undefined;
  if (result.status !== 0) throw new Error(result.stderr);
  process.once('exit', () => rmSync(outfile, { force: true }));
  return outfile;
}
