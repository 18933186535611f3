import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { equalKeys, K_META, K_PORTS, KEY_WORDS, packMeta, packPorts, reverseKey } from '../../../src/core/tuple.ts';
import { compareKeys, DIFFERENT, hashKey } from '../../../src/flow/flow-key.ts';

const word = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const keys = fc
  .record({
    version: fc.constantFrom(4, 6),
    protocol: fc.constantFrom(1, 6, 17, 58),
    ports: word,
    scope: fc.constantFrom(0, 2),
    words: fc.array(word, { minLength: 8, maxLength: 8 }),
  })
  .map(({ version, protocol, ports, scope, words }) => {
    const [a0, a1, a2, a3, b0, b1, b2, b3] = words;
    const meta = packMeta(protocol, version, 0);
    return version === 4
      ? Int32Array.from([meta, ports, 0, 0, 0, 0xffff, a3!, 0, 0, 0xffff, b3!])
      : Int32Array.from([meta, ports, scope, a0!, a1!, a2!, a3!, b0!, b1!, b2!, b3!]);
  });

function reversed(key: Int32Array): Int32Array {
  const out = new Int32Array(KEY_WORDS);
  reverseKey(key, 0, out, 0);
  return out;
}

describe('compareKeys()', () => {
  test('compareKeys() says 0 for the same key and 1 for its reverse', () => {
    fc.assert(
      fc.property(keys, (key) => {
        assert.equal(compareKeys(key, 0, key.slice(), 0), 0);
        const reverse = reversed(key);
        assert.equal(compareKeys(key, 0, reverse, 0), equalKeys(key, 0, reverse, 0) ? 0 : 1);
      }),
    );
  });

  test('compareKeys() says DIFFERENT when any bit of any word differs', () => {
    fc.assert(
      fc.property(keys, fc.nat(KEY_WORDS - 1), fc.nat(31), (key, w, bit) => {
        const isIpv4 = key[K_META]! >>> 8 === 4;
        fc.pre(!isIpv4 || w < 2 || w === 6 || w === 10); // the other words of IPv4 never differ
        const changed = key.slice();
        changed[w]! ^= 1 << bit;
        fc.pre(!equalKeys(reversed(key), 0, changed, 0));
        assert.equal(compareKeys(key, 0, changed, 0), DIFFERENT);
      }),
    );
  });
});

describe('hashKey()', () => {
  test('hashKey() is the same in both directions', () => {
    fc.assert(fc.property(keys, word, (key, seed) => hashKey(key, 0, seed) === hashKey(reversed(key), 0, seed)));
  });

  test('hashKey() is the same in all namespaces, where compareKeys() tells them apart', () => {
    fc.assert(
      fc.property(keys, word, fc.integer({ min: 1, max: 0xffff }), (key, seed, netns) => {
        const elsewhere = key.slice();
        elsewhere[K_META]! |= netns << 16;
        assert.equal(hashKey(elsewhere, 0, seed), hashKey(key, 0, seed));
        assert.equal(compareKeys(elsewhere, 0, key, 0), DIFFERENT);
        assert.equal(compareKeys(elsewhere, 0, reversed(elsewhere), 0), equalKeys(key, 0, reversed(key), 0) ? 0 : 1);
      }),
    );
  });

  /** Distinct hashes of tuples, and how full the fullest of 65,536 slots is. */
  function spread(count: number, make: (i: number) => Int32Array): { distinct: number; fullest: number } {
    const slots = new Uint16Array(65_536);
    const seen = new Set<number>();
    for (let i = 0; i < count; i++) {
      const hash = hashKey(make(i), 0, 0x5eed);
      seen.add(hash);
      slots[hash & 0xffff]!++;
    }
    return { distinct: seen.size, fullest: Math.max(...slots) };
  }
  const v4 = (ports: number, a: number, b: number): Int32Array =>
    Int32Array.of(0x406, ports, 0, 0, 0, 0xffff, a, 0, 0, 0xffff, b);

  // 32,768 random hashes would put at most 7 or so into one of 65,536 slots.
  for (const [name, make] of [
    [
      'all ports of one pair of hosts',
      (i: number) => v4(packPorts(32_768 + (i & 0xff), 8000 + (i >>> 8)), 0x0a000001, 0x0a000002),
    ],
    ['a scan of one port in a network', (i: number) => v4(packPorts(40_000, 22), 0x0a000001, 0x0b000000 + i)],
    ['clients behind one address', (i: number) => v4(packPorts(i, 443), 0x0a000001, 0x0a000002)],
    [
      'neighbours that talk to neighbours',
      (i: number) => v4(packPorts(53, 53), 0x0a000000 + (i & 0xff), 0x0a000000 + (i >>> 8) + 256),
    ],
    [
      'hosts of one IPv6 network',
      (i: number) => Int32Array.of(0x606, 0x1bb9c40, 0, 0x20010db8, 1, 0, i, 0x20010db8, 2, 0, 1),
    ],
  ] as const) {
    test(`hashKey() spreads ${name}`, () => {
      const { distinct, fullest } = spread(32_768, make);
      assert.ok(distinct > 32_768 * 0.99, `${distinct} distinct`);
      assert.ok(fullest <= 10, `${fullest} in one slot`);
    });
  }

  test('hashKey() depends on the seed, so that senders cannot choose collisions', () => {
    const a = v4(packPorts(1, 2), 3, 4);
    const hashes = new Set(Array.from({ length: 1000 }, (_, seed) => hashKey(a, 0, seed * 7919)));
    assert.ok(hashes.size > 990);
  });

  test('hashKey() tells protocols apart', () => {
    const a = v4(packPorts(1, 2), 3, 4);
    const b = a.slice();
    b[K_META] = packMeta(17, 4, 0);
    assert.notEqual(hashKey(a, 0, 1), hashKey(b, 0, 1));
    assert.equal(a[K_PORTS], b[K_PORTS]);
  });
});
