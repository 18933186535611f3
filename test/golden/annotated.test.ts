/** Annotated captures have the same packets as the originals, to tshark: two runs of it for each, at once. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import * as zlib from 'node:zlib';
import { annotate } from '../../src/app/annotate/annotate.ts';

const folder = mkdtempSync(join(tmpdir(), 'pcapid-annotated-'));
after(() => rmSync(folder, { recursive: true }));

const CAPTURES = readdirSync('captures').filter((name) => /\.(pcap|pcapng)(\.\w+)?$/.test(name));
/** As their names in captures/README.md say. */
const DAMAGED = /^(damaged|unknown-interface|cut.*|long-.*|short-block|unequal-block)\./;
const NO_CAPTURES = /^(empty|noise|text)\./;

const FIELDS = ['frame.number', 'frame.time_epoch', 'frame.len', 'frame.cap_len', 'frame.protocols'];
const INTERFACE = 'frame.interface_id'; // of pcap files only the copy has one

function tshark(path: string, fields: readonly string[]): Promise<string> {
  const words = ['-n', '-r', path, '-T', 'fields', ...fields.flatMap((field) => ['-e', field])];
  // Of damaged files it prints what is before the damage, and fails.
  return new Promise((resolve) => execFile('tshark', words, { maxBuffer: 64 << 20 }, (_, out) => resolve(out)));
}

async function annotated(name: string) {
  const [input, output] = [join('captures', name), join(folder, `${name}.pcapng`)];
  const rest = { version: '1', command: 'annotate', onProgress: () => {} };
  const options = { input, output, every: false, style: 'comments', facts: [], force: false } as const;
  return { input, output, done: await annotate({ ...options, ...rest }) };
}

for (const name of CAPTURES) {
  if (NO_CAPTURES.test(name)) continue;
  const isZstd = name.endsWith('.zst') && !('createZstdDecompress' in zlib);
  const isDamaged = DAMAGED.test(name);
  const what = isZstd ? 'is refused' : isDamaged ? 'is whole' : 'has the same packets for tshark';
  test(`${name}, annotated, ${what}`, async () => {
    if (isZstd) return assert.rejects(annotated(name), /zstd/);
    const { input, output, done } = await annotated(name);
    assert.equal(done.damages.length > 0, isDamaged);
    const fields = name.includes('.pcapng') ? [...FIELDS, INTERFACE] : FIELDS;
    const [copied, original] = await Promise.all([tshark(output, fields), tshark(input, fields)]);
    assert.ok(copied.length > 0 || done.counts.packets === 0);
    assert.equal(copied, isDamaged ? original.slice(0, copied.length) : original);
  });
}
