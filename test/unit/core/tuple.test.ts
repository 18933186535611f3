import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  equalKeys,
  hashKey,
  KEY_WORDS,
  keyFirstPort,
  keyIpVersion,
  keyNetns,
  keyProtocol,
  keySecondPort,
  Protocol,
  packMeta,
  packPorts,
  protocolName,
  protocolNumber,
  reverseKey,
} from '../../../src/core/tuple.ts';
import { makeKey } from '../../support/facts.ts';

test('the parts of a key come out as they went in, up to their largest values', () => {
  const key = makeKey(Protocol.UdpLite, ['::1', 65535], ['::2', 1]);
  key[0] = packMeta(255, 6, 65535);
  assert.deepEqual([keyProtocol(key), keyIpVersion(key), keyNetns(key)], [255, 6, 65535]);
  assert.deepEqual([keyFirstPort(key), keySecondPort(key)], [65535, 1]);
});

test('reverseKey() exchanges the ends, and twice is the same key again', () => {
  fc.assert(
    fc.property(fc.int32Array({ minLength: KEY_WORDS, maxLength: KEY_WORDS }), (key) => {
      const there = new Int32Array(KEY_WORDS);
      const back = new Int32Array(KEY_WORDS);
      reverseKey(key, 0, there, 0);
      reverseKey(there, 0, back, 0);
      assert.deepEqual(back, key);
      assert.equal(keyFirstPort(there), keySecondPort(key));
    }),
  );
});

test('equalKeys() sees a difference in every word', () => {
  const key = makeKey(Protocol.Tcp, ['192.0.2.1', 1], ['192.0.2.2', 2]);
  for (let word = 0; word < KEY_WORDS; word++) {
    const other = key.slice();
    other[word] = key[word]! ^ 1;
    assert.equal(equalKeys(key, 0, other, 0), false);
    assert.notEqual(hashKey(key), hashKey(other));
  }
  assert.ok(equalKeys(key, 0, key.slice(), 0));
});

test('hashKey() spreads consecutive ports over the low bits that pick a bucket', () => {
  const buckets = new Set<number>();
  const key = makeKey(Protocol.Tcp, ['192.0.2.1', 1], ['192.0.2.2', 2]);
  for (let port = 0; port < 1024; port++) {
    key[1] = packPorts(32768 + port, 443);
    buckets.add(hashKey(key) & 1023);
  }
  assert.ok(buckets.size > 550, `${buckets.size} of 1024 buckets in use`); // 647 are expected of a random function
});

test('protocol names and numbers belong together', () => {
  for (let protocol = 0; protocol < 256; protocol++) assert.equal(protocolNumber(protocolName(protocol)), protocol);
  assert.equal(protocolNumber('TCP'), 6);
  assert.equal(protocolNumber('256'), undefined);
  assert.equal(protocolNumber('quic'), undefined);
});
