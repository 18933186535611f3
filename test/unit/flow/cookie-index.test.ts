import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { CookieIndex } from '../../../src/flow/cookie-index.ts';

function endsOf(index: CookieIndex, cookie: number): number[] {
  const ends: number[] = [];
  for (let end = index.first(cookie); end >= 0; end = index.next(end)) ends.push(end);
  return ends.sort((a, b) => a - b);
}

test('CookieIndex lists the ends of each socket that were added and not removed', () => {
  const steps = fc.array(fc.record({ cookie: fc.integer({ min: 1, max: 4 }), end: fc.nat(5000) }));
  fc.assert(
    fc.property(steps, (all) => {
      const index = new CookieIndex();
      const model = new Map<number, number>(); // end -> cookie
      for (const { cookie, end } of all) {
        const before = model.get(end);
        if (before !== undefined) index.remove(before, end);
        model.delete(end);
        if (before === cookie) continue;
        index.add(cookie, end);
        model.set(end, cookie);
      }
      for (const cookie of [1, 2, 3, 4]) {
        const expected = [...model].filter(([, of]) => of === cookie).map(([end]) => end);
        assert.deepEqual(
          endsOf(index, cookie),
          expected.sort((a, b) => a - b),
        );
      }
    }),
  );
});
