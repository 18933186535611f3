import assert from 'node:assert/strict';
import { copyFileSync, linkSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { runProgram } from '../../../src/cli/program.ts';
import { testContext } from '../../support/context.ts';

const folder = mkdtempSync(join(tmpdir(), 'pcapid-keep-'));
after(() => rmSync(folder, { recursive: true }));

const [input, facts, owners, link] = ['in.pcap', 'facts.ndjson', 'owners.db', 'link'].map((name) => join(folder, name));
copyFileSync('captures/demo.pcap', input!);
copyFileSync('captures/demo.facts.ndjson', facts!);
linkSync(input!, link!);

async function run(...words: readonly (string | undefined)[]) {
  const context = testContext({ cwd: process.cwd() });
  const code = await runProgram(words as string[], context);
  return { err: context.stderr(), code: code ?? context.exitCode };
}

test('no output replaces what a command reads, also with --force: capture, facts, history, database', async () => {
  assert.equal((await run('read', input, '--facts', facts, '--db', owners)).code, 0);
  const contents = [input!, facts!, owners!].map((path) => readFileSync(path));
  for (const words of [
    ['annotate', input, link],
    ['annotate', input, facts, '--facts', facts],
    ['annotate', input, owners, '--owners', owners],
    ['annotate', input, owners, '--db', owners],
    ['read', input, '-w', link],
    ['read', input, '-w', owners, '--owners', owners],
    ['report', input, '--html', link],
    ['report', input, '--facts', facts, '--html', facts],
    ['report', input, '--owners', owners, '--html', owners],
    ['report', '--db', owners, '--html', owners],
  ]) {
    const { err, code } = await run(...words, '--force');
    assert.equal(code, 2, words.join(' '));
    assert.match(err, /is what is read\n +Name another output/, words.join(' '));
  }
  assert.deepEqual(
    [input!, facts!, owners!].map((path) => readFileSync(path)),
    contents,
  );
});
