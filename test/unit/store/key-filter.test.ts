import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KeyFilter } from '../../../src/store/key-filter.ts';

const keyOf = (n: number) => [1_795_266_000_000_000, n % 2000, 0, n, 443, 6, 77 * n]; // the last number is no part of it

test('mayHave() says yes to every key that was added, and to few of the others, whatever stands behind the key', () => {
  const filter = new KeyFilter();
  for (let n = 0; n < 10_000; n++) filter.add(keyOf(n), 6);
  let mistaken = 0;
  for (let n = 0; n < 10_000; n++) {
    assert.ok(filter.mayHave([...keyOf(n).slice(0, 6), -1], 6));
    if (filter.mayHave(keyOf(n + 10_000), 6)) mistaken++;
  }
  assert.ok(mistaken < 600, `${mistaken} of 10,000`);
});

test('mayHave() of an empty filter says no', () => {
  assert.equal(new KeyFilter().mayHave(keyOf(1), 6), false);
});
