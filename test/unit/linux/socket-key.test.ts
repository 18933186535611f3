import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatAddress, parseAddress } from '../../../src/core/address.ts';
import { K_FIRST, K_SCOPE, K_SECOND, KEY_WORDS, keyIpVersion, keyNetns, keyProtocol } from '../../../src/core/tuple.ts';
import { AF_INET, AF_INET6, finishKey, putMapped } from '../../../src/linux/socket-key.ts';

/** Key at the second row of an array, so that a wrong offset shows. */
function finished(family: number, local: string, remote: string, ifindex = 0): Int32Array {
  const keys = new Int32Array(2 * KEY_WORDS);
  keys.set(parseAddress(local)!, KEY_WORDS + K_FIRST);
  keys.set(parseAddress(remote)!, KEY_WORDS + K_SECOND);
  finishKey(keys, KEY_WORDS, family, 6, 3, 80, 4000, ifindex);
  assert.ok(keys.subarray(0, KEY_WORDS).every((word) => word === 0));
  return keys.slice(KEY_WORDS);
}

test('finishKey() gives version 4 to a socket of AF_INET6 that speaks IPv4', () => {
  const key = finished(AF_INET6, '::ffff:192.0.2.1', '::ffff:192.0.2.2');
  assert.deepEqual([keyIpVersion(key), keyProtocol(key), keyNetns(key)], [4, 6, 3]);
});

test('finishKey() writes an unset end as 0.0.0.0 where the other end is IPv4', () => {
  const key = finished(AF_INET6, '::', '::ffff:192.0.2.2');
  assert.equal(keyIpVersion(key), 4);
  assert.equal(formatAddress(key, K_FIRST), '0.0.0.0');
  assert.equal(formatAddress(finished(AF_INET6, '::ffff:192.0.2.2', '::'), K_SECOND), '0.0.0.0');
});

test('finishKey() leaves a wildcard of AF_INET6 at version 6', () => {
  const key = finished(AF_INET6, '::', '::');
  assert.equal(keyIpVersion(key), 6);
  assert.equal(formatAddress(key, K_FIRST), '::');
});

test('finishKey() gives version 4 to the wildcard of AF_INET', () => {
  assert.equal(keyIpVersion(finished(AF_INET, '0.0.0.0', '0.0.0.0')), 4);
});

test('finishKey() keeps the interface only for link-local addresses', () => {
  assert.equal(finished(AF_INET6, 'fe80::1', 'fe80::2', 7)[K_SCOPE], 7);
  assert.equal(finished(AF_INET6, '::', 'fe80::2', 7)[K_SCOPE], 7);
  assert.equal(finished(AF_INET6, '2001:db8::1', '2001:db8::2', 7)[K_SCOPE], 0);
});

test('putMapped() writes ::ffff:a.b.c.d', () => {
  const key = new Int32Array(KEY_WORDS).fill(-1);
  putMapped(key, K_FIRST, 0xc0000201 | 0);
  assert.equal(formatAddress(key, K_FIRST), '192.0.2.1');
  assert.equal(key[K_SECOND], -1);
});
