/**
 * Writes the small captures of this folder from their descriptions in test/support/all-captures.ts.
 * `node captures/make-captures.mjs`; the golden tests check that the files are what it would write.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { bundleOptions } from '../src/bundle.mjs';

const folder = dirname(fileURLToPath(import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), 'pcapid-captures-'));
try {
  const outfile = join(scratch, 'all-captures.cjs');
  const { outExtension: _, ...options } = bundleOptions;
  await build({ ...options, entryPoints: [join(folder, '..', 'test', 'support', 'all-captures.ts')], outfile });
  const { ALL_CAPTURES } = createRequire(import.meta.url)(outfile);
  for (const { name, bytes } of ALL_CAPTURES) {
    writeFileSync(join(folder, name), bytes);
    console.log(`${name}: ${bytes.length} octets`);
  }
} finally {
  rmSync(scratch, { recursive: true });
}
