/** `split --db`: which file was split, and into what. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { runProgram } from '../../../src/cli/program.ts';
import { testContext } from '../../support/context.ts';
import { rowsOf, withFolder } from '../../support/database.ts';

const hashOf = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex');

test('split --db notes the input, where names came from and every output, with their hashes', async () => {
  await withFolder(async (folder) => {
    const database = join(folder, 'case.db');
    const facts = 'captures/demo.facts.ndjson';
    const words = ['split', 'captures/demo.pcap', '--facts', facts, '--dir', join(folder, 'out'), '--db', database];
    const context = testContext();
    assert.equal((await runProgram(words, context)) ?? context.exitCode, 0, context.stderr());
    const notes = rowsOf(database, 'SELECT use, path, sha256, command FROM provenance ORDER BY id');
    assert.deepEqual(
      notes.slice(0, 2).map(({ use, path }) => [use, path]),
      [
        ['input', resolve('captures/demo.pcap')],
        ['facts', resolve(facts)],
      ],
    );
    assert.ok(notes.length > 4);
    for (const { use, path, sha256 } of notes) assert.equal(sha256, hashOf(String(path)), String(use));
    assert.ok(notes.slice(2).every(({ use }) => use === 'output'));
  });
});
