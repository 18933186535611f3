/** Bundles a program of test/support/programs as the product is bundled, for tests that start it as a process or worker. */
import { rmSync } from 'node:fs';
import { resolve } from 'node:path';
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
