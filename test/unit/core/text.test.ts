import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeHostile, encodeHostile, MAX_TEXT } from '../../../src/core/text.ts';

const octets = (...values: readonly (number | string)[]): Uint8Array =>
  Uint8Array.from(
    values.flatMap((value) => (typeof value === 'string' ? [...new TextEncoder().encode(value)] : [value])),
  );

test('decodeHostile() keeps valid UTF-8 and doubles backslashes', () => {
  assert.equal(decodeHostile(octets('naïve 日本 🦀')), 'naïve 日本 🦀');
  assert.equal(decodeHostile(octets('a\\x41')), 'a\\\\x41');
});

test('decodeHostile() writes invalid octets as \\xNN and goes on behind them', () => {
  assert.equal(decodeHostile(octets('a', 0xff, 'b')), 'a\\xffb');
  assert.equal(decodeHostile(octets(0xe6, 0x97)), '\\xe6\\x97'); // cut in the middle of a character
  assert.equal(decodeHostile(octets(0xc0, 0x80)), '\\xc0\\x80'); // overlong NUL
  assert.equal(decodeHostile(octets(0xed, 0xa0, 0x80)), '\\xed\\xa0\\x80'); // a surrogate
  assert.equal(decodeHostile(octets('\\', 0x80)), '\\\\\\x80');
});

test('decodeHostile() keeps at most MAX_TEXT characters, of octets that are valid or not', () => {
  assert.equal(decodeHostile(new Uint8Array(1 << 20).fill(0x61)).length, MAX_TEXT);
  assert.equal(decodeHostile(new Uint8Array(1 << 20).fill(0x80)).length, MAX_TEXT);
});

test('decodeHostile() loses nothing: different octets give different texts', () => {
  const bytes = fc.uint8Array({ maxLength: 12 });
  fc.assert(
    fc.property(bytes, bytes, (a, b) => {
      const same = a.length === b.length && a.every((octet, i) => octet === b[i]);
      assert.equal(decodeHostile(a) === decodeHostile(b), same);
    }),
    { numRuns: 2000 },
  );
});

test('encodeHostile() gives the octets back', () => {
  const parts = fc.oneof(fc.uint8Array({ maxLength: 8 }), fc.constantFrom(octets('\\'), octets('\\x41'), octets('日')));
  fc.assert(
    fc.property(fc.array(parts, { maxLength: 8 }), (all) => {
      const bytes = Uint8Array.from(all.flatMap((part) => [...part]));
      assert.deepEqual(encodeHostile(decodeHostile(bytes)), bytes);
    }),
  );
});
