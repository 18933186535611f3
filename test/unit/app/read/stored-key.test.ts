import assert from 'node:assert/strict';
import { test } from 'node:test';
import { putKey } from '../../../../src/app/read/stored-key.ts';
import { UserError } from '../../../../src/core/errors.ts';
import { KEY_WORDS, Protocol } from '../../../../src/core/tuple.ts';
import { makeKey } from '../../../support/facts.ts';

test('putKey() makes of stored octets the key that packets of the tuple have', () => {
  const ends = [Uint8Array.of(192, 0, 2, 1), Uint8Array.of(198, 51, 100, 9)] as const;
  const key = new Int32Array(2 * KEY_WORDS);
  putKey(key, KEY_WORDS, Protocol.Udp, ends, [1000, 53]);
  assert.deepEqual(key.subarray(KEY_WORDS), makeKey(Protocol.Udp, ['192.0.2.1', 1000], ['198.51.100.9', 53]));
});

test('putKey() refuses octets that are no address, as a database may have that somebody changed', () => {
  for (const length of [0, 3, 5, 17]) {
    const ends = [new Uint8Array(length), new Uint8Array(4)] as const;
    assert.throws(() => putKey(new Int32Array(KEY_WORDS), 0, Protocol.Tcp, ends, [1, 2]), UserError);
  }
});
