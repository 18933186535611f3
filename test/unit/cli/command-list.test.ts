import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { commands } from '../../../src/cli/commands/index.ts';
import { runProgram } from '../../../src/cli/program.ts';
import { testContext } from '../../support/context.ts';

async function said(...words: string[]) {
  const context = testContext();
  await runProgram(words, context);
  return { out: context.stdout(), err: context.stderr(), code: context.exitCode };
}

test("README's table has every command, in the order of --help", async () => {
  const table = readFileSync('README.md', 'utf8').split('## All commands')[1]!.split('\n## ')[0]!;
  const names = [...table.matchAll(/^\| `([\w-]+)` \|/gm)].map((row) => row[1]!);
  assert.deepEqual(
    names,
    commands.map(({ name }) => name),
  );
  const { out } = await said('--help');
  assert.deepEqual(
    [...out.matchAll(/^ {2}([\w-]+) {2,}\w/gm)].map((row) => row[1]!).filter((name) => names.includes(name)),
    names,
  );
});

test('--help of every command, and help COMMAND, show its options and examples', async () => {
  for (const { name } of commands) {
    const { out, code } = await said(name, '--help');
    assert.equal(code, 0);
    assert.match(out, new RegExp(`^Usage: pcapid ${name} `));
    assert.match(out, new RegExp(`\\nExamples:\\n {2}\\S.*${name}`), name);
    assert.equal((await said('help', name)).out, out);
  }
});

test('a word that is no command, or an option that is none, is one sentence with the nearest, and ends with 2', async () => {
  assert.match((await said('hots')).err, /unknown command 'hots'\n\(Did you mean hosts\?\)/);
  assert.match((await said('flows', '--colums', 'x')).err, /unknown option '--colums'\n\(Did you mean --columns\?\)/);
  assert.equal((await said('flows', '--colums', 'x')).code, 2);
});

test('an arrow between two ends is no option', async () => {
  const { err } = await said('who', '10.0.0.1:1', '->', '10.0.0.2:2', '--db', '/nonexistent');
  assert.match(err, /there is no database: tried \/nonexistent/);
});

test('an error shows what a terminal would obey in the name of a file', async () => {
  const context = testContext();
  await runProgram(['read', 'no\x1b[2Jsuch.pcap'], context);
  assert.equal(context.exitCode, 2);
  assert.match(context.stderr(), /^pcapid: no\\u\{1b\}\[2Jsuch\.pcap/);
});
