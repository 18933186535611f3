/**
 * Writes the small captures of this folder from their description in test/support/sample-captures.ts.
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
  const outfile = join(scratch, 'sample-captures.cjs');
  const { outExtension: _, ...options } = bundleOptions;
  await build({ ...options, entryPoints: [join(folder, '..', 'test', 'support', 'sample-captures.ts')], outfile });
  const { SAMPLE_CAPTURES } = createRequire(import.meta.url)(outfile);
  for (const { name, bytes } of SAMPLE_CAPTURES) {
    writeFileSync(join(folder, `${name}.pcap`), bytes);
    console.log(`${name}.pcap: ${bytes.length} octets`);
  }
} finally {
  rmSync(scratch, { recursive: true });
}
