/** The loops in C++ look at nothing outside of the arrays that they get, whatever these are: run it with AddressSanitizer. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { FastPath } from '../../src/core/fast-path.ts';
import { KEY_WORDS } from '../../src/core/tuple.ts';
import { ENTRY_SHIFT } from '../../src/flow/flow-entries.ts';
import { hashKey } from '../../src/flow/flow-key.ts';
import { loadNative } from '../../src/native/binding.ts';
import { ethernet, ipv4, tcp } from '../support/packets.ts';

const native = loadNative();
const ENTRY_WORDS = 1 << ENTRY_SHIFT;
const PACKET = ethernet(ipv4({ src: '10.0.0.1', dst: '10.0.0.2' }, tcp({ src: 1, dst: 2 })));

const extreme = fc.constantFrom(0, 1, 2, 16, 31, 64, 1000, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, -1, -(2 ** 31));
const length = fc.constantFrom(0, 1, 2, 3, 5, 11, 16, 64, 256);
type ArrayType = (typeof TYPES)[number];
const TYPES = [Uint8Array, Uint16Array, Uint32Array, Int32Array, Float64Array] as const;

/** Of that type and any length and content, also not at the begin of its memory. */
const arrayOf = (type: ArrayType): fc.Arbitrary<unknown> =>
  fc.tuple(length, fc.array(extreme, { minLength: 1, maxLength: 4 }), fc.nat(1)).map(([count, numbers, skipped]) => {
    const array = new type(count + skipped).subarray(skipped);
    for (let i = 0; i < count; i++) array[i] = numbers[i % numbers.length]!;
    if (array instanceof Uint8Array && count >= PACKET.length) array.set(PACKET, count - PACKET.length);
    return array;
  });

const wrong = fc.oneof(
  fc.constantFrom<unknown>(undefined, null, 'text', {}, [1, 2, 3], new DataView(new ArrayBuffer(8)), Number.NaN),
  fc.constantFrom(...TYPES).chain(arrayOf),
);
const [bytes, words16, words32, signed, doubles] = TYPES.map(arrayOf) as [Any, Any, Any, Any, Any];
type Any = fc.Arbitrary<unknown>;
const many = fc.constantFrom<unknown>(0, 1, 64, 100, 2 ** 31 - 1, -1, 1e300);

const ARGUMENTS: Readonly<Record<keyof FastPath, readonly Any[]>> = {
  walkPcap: [bytes, words32, many, many, many, words32, words32, words32, words32, words32],
  decodePlain: [
    ...[bytes, many, many, words32, words32, words32, words16, bytes],
    ...[signed, words32, words32, words32, bytes, words32, words16, doubles],
  ],
  countFlows: [
    ...[many, bytes, bytes, signed, words32, words32, words32, words32, words32, signed, signed, signed],
    ...[doubles, doubles, words16, signed, signed, signed, doubles, doubles],
  ],
};

for (const [name, types] of Object.entries(ARGUMENTS) as [keyof FastPath, readonly Any[]][]) {
  const call = native[name] as (...all: unknown[]) => number;
  const right = fc.tuple(...types);

  test(`${name}() returns no more rows than its arrays have, whatever is in them`, () => {
    fc.assert(
      fc.property(right, (all) => {
        const rows = call(...all);
        assert.ok(rows >= 0 && rows <= 256, String(rows));
      }),
      { numRuns: 3000 },
    );
  });

  test(`${name}() does nothing harmful with an argument too few, or of another type`, () => {
    fc.assert(
      fc.property(right, fc.nat(types.length - 1), wrong, (all, at, other) => {
        assert.ok(call(...all.slice(0, at), other, ...all.slice(at + 1)) <= 256);
        assert.ok(call(...all.slice(0, at)) <= 256);
      }),
      { numRuns: 1500 },
    );
  });
}

test('countFlows() leaves a packet whose entry is not there, and ends where the index has no free slot', () => {
  const hash = hashKey(new Int32Array(KEY_WORDS), 0, 0);
  const count = (hashes: number, number: number, words: Int32Array) => {
    const row = new Uint32Array(1);
    return native.countFlows(
      ...([1, new Uint8Array(1), new Uint8Array(1), new Int32Array(KEY_WORDS), row, row, row, row, row] as const),
      ...([new Int32Array(2048).map((_, i) => (i % 2 === 0 ? hashes : number)), words, new Int32Array(3)] as const),
      ...([Float64Array.of(0, 0, 9, 0, 9), new Float64Array(4), new Uint16Array(1)] as const),
      ...([new Int32Array(1), new Int32Array(1), new Int32Array(1), new Float64Array(0), new Float64Array(0)] as const),
    );
  };
  const two = new Int32Array(2 * ENTRY_WORDS);
  assert.deepEqual(
    [1, 2].map((number) => count(hash, number, two)),
    [0, 0],
  );
  for (const number of [3, 2 ** 26, 2 ** 31 - 1, -(2 ** 31), -1]) assert.equal(count(hash, number, two), 1);
  assert.equal(count(~hash, 1, two), 1);
  assert.equal(count(hash, 1, two.subarray(0, ENTRY_WORDS - 1)), 1);
});
