import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { SumMap } from '../../../src/store/sum-map.ts';

const taken = (map: SumMap) => {
  const rows: { row: number[]; isLess: boolean }[] = [];
  map.take((row, isLess) => rows.push({ row: [...row], isLess }));
  return rows;
};

test('take() gives every key once with its sums, leaves out what came to nothing, and empties the map', () => {
  const key = fc.tuple(fc.constantFrom(0, 60e6, 1_795_266_000_000_000), fc.nat(3));
  const sums = fc.tuple(fc.integer({ min: -2, max: 2 }), fc.integer({ min: -1e12, max: 1e12 }));
  fc.assert(
    fc.property(fc.array(fc.tuple(key, sums)), (added) => {
      const map = new SumMap(2, 2);
      const want = new Map<string, number[]>();
      for (const [place, [a, b]] of added) {
        map.add(place, [a, b]);
        const known = want.get(place.join()) ?? [...place, 0, 0];
        want.set(place.join(), [...place, known[2]! + a, known[3]! + b]);
      }
      const rows = taken(map);
      const expected = [...want.values()].filter(([, , a, b]) => a !== 0 || b !== 0);
      assert.deepEqual(rows.map(({ row }) => row).sort(), expected.sort());
      const less = rows.map(({ row, isLess }) => [isLess, row[2]! < 0 || row[3]! < 0]);
      for (const [told, is] of less) assert.equal(told, is);
      assert.ok(!rows.some(({ isLess }, i) => isLess && i > 0 && !rows[i - 1]!.isLess), 'negative sums come first');
      assert.deepEqual(taken(map), []);
    }),
  );
});

test('a map that grew holds all keys, and so does the one it is after them', () => {
  const map = new SumMap(1, 1);
  for (const keys of [200_000, 3]) {
    for (let key = 0; key < keys; key++) map.add([key * 60e6], [0, key + 1], 1);
    const rows = taken(map);
    assert.equal(rows.length, keys);
    assert.ok(rows.every(({ row }) => row[1] === row[0]! / 60e6 + 1));
  }
});

test('clear() forgets keys and sums', () => {
  const map = new SumMap(1, 1);
  map.add([1], [5]);
  map.clear();
  map.add([2], [1]);
  map.add([1], [1]);
  assert.deepEqual(
    taken(map).map(({ row }) => row),
    [
      [2, 1],
      [1, 1],
    ],
  );
});
