import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import fc from 'fast-check';
import { commandLine, splitCommandLine } from '../../../src/core/command-line.ts';
import { MAX_TEXT } from '../../../src/core/text.ts';

test('commandLine() leaves plain words alone and quotes the rest', () => {
  assert.equal(commandLine(['ls', '-l', '/tmp/a.b']), 'ls -l /tmp/a.b');
  assert.equal(commandLine(['echo', '', 'a b', "it's", '$HOME']), "echo '' 'a b' 'it'\\''s' '$HOME'");
  assert.equal(commandLine([]), '');
});

test('commandLine() is split by a shell into the same words', () => {
  const word = fc.string({ unit: 'grapheme', maxLength: 12 }).filter((text) => !text.includes('\0'));
  fc.assert(
    fc.property(fc.array(word, { minLength: 1, maxLength: 5 }), (words) => {
      const output = execFileSync('/bin/sh', ['-c', `printf '%s\\0' ${commandLine(words)}`], { encoding: 'utf8' });
      assert.deepEqual(output.split('\0').slice(0, -1), words);
    }),
    { numRuns: 50 },
  );
});

test('splitCommandLine() finds the words again', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'grapheme', maxLength: 12 }), { maxLength: 5 }), (words) => {
      assert.deepEqual(splitCommandLine(commandLine(words)), words);
    }),
  );
  assert.deepEqual(splitCommandLine("curl 'cut in the mid…"), ['curl', 'cut in the mid…']);
});

test('commandLine() cuts long lines visibly and does not look at the rest', () => {
  const line = commandLine(Array.from({ length: 100_000 }, () => 'x'.repeat(100)));
  assert.equal(line.length, MAX_TEXT);
  assert.ok(line.endsWith('…'));
});
