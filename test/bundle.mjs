/** Bundles test files as the program is bundled: Node 20 reads no TypeScript. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { build } from 'esbuild';
import { bundleOptions } from '../src/bundle.mjs';

/**
 * @param files paths of tests, below test/
 * @param byFolder those of a folder become one program, in which each is a suite: a process of its own takes Node a quarter
 *   of a second
 * @returns what node:test is to run; undefined when esbuild has printed why there is nothing
 */
export async function bundleTests(files, outdir, byFolder) {
  try {
    mkdirSync(outdir, { recursive: true });
    const entryPoints = byFolder
      ? folderPrograms(files, outdir)
      : files.map((file) => ({ in: file, out: nameOf(file) }));
    await build({ ...bundleOptions, entryPoints, outdir });
    return entryPoints.map(({ out }) => join(outdir, `${out}.cjs`));
  } catch {
    return undefined;
  }
}

function folderPrograms(files, outdir) {
  return [...new Set(files.map(dirname))].map((folder) => {
    const entry = join(outdir, `${folder.replaceAll('/', '-')}.mts`);
    const suites = files
      .filter((file) => dirname(file) === folder)
      .map((file) => `describe('${file}', () => void require('${resolve(file)}'));\n`);
    writeFileSync(entry, `import { describe } from 'node:test';\n${suites.join('')}`);
    return { in: entry, out: join(nameOf(folder), 'folder.test') };
  });
}

const nameOf = (path) => relative('test', path).replace(/\.ts$/, '');
