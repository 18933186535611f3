import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatCheck } from '../../../src/cli/print-checks.ts';
import type { Check } from '../../../src/core/health.ts';

const check: Check = {
  name: 'capture',
  state: 'missing',
  detail: 'no right',
  loss: 'live capture',
  remedy: 'Be root.',
};

test('formatCheck() aligns what is lost and what helps below the detail', () => {
  const lines = formatCheck(check).trimEnd().split('\n');
  assert.deepEqual(
    lines.map((line) => line.trim()),
    ['NO  capture          no right', 'lost: live capture', 'help: Be root.'],
  );
  const [first, second, third] = lines.map((line) => line.search(/no right|lost|help/));
  assert.ok(first === second && second === third);
});

test('formatCheck() wraps at the width, and keeps every word', () => {
  const word = fc.stringMatching(/^[a-z(]{1,20}$/);
  fc.assert(
    fc.property(fc.array(word, { minLength: 1, maxLength: 60 }), fc.integer({ min: 60, max: 120 }), (words, width) => {
      const text = formatCheck({ ...check, detail: words.join(' '), loss: null, remedy: null }, width);
      const lines = text.split('\n').slice(0, -1);
      assert.ok(lines.every((line) => line.length <= width));
      assert.deepEqual(text.replace('NO  capture', '').trim().split(/\s+/), words);
    }),
  );
});

test('formatCheck() shows hostile text harmlessly', () => {
  const text = formatCheck({ ...check, detail: '\x1b[2J\u202e' });
  for (const harm of ['\x1b', '\u202e']) assert.ok(!text.includes(harm));
});
