import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { RowIndex } from '../../../src/core/row-index.ts';

/** Rows under `hash`, as the index walks them. */
function rowsOf(index: RowIndex, hash: number): number[] {
  const rows: number[] = [];
  for (let row = index.first(hash); row !== -1; row = index.next(row)) rows.push(row);
  return rows;
}

test('RowIndex gives exactly the rows that were added and not removed, for any order of both', () => {
  const step = fc.record({ add: fc.boolean(), row: fc.nat(300), hash: fc.integer({ min: -4, max: 4 }) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 800 }), (steps) => {
      const index = new RowIndex();
      const model = new Map<number, number>();
      for (const { add, row, hash } of steps) {
        if (add && !model.has(row)) {
          index.add(hash, row);
          model.set(row, hash);
        } else if (!add && model.delete(row)) index.remove(row);
      }
      for (let hash = -4; hash <= 4; hash++) {
        const expected = [...model].filter(([, h]) => h === hash).map(([row]) => row);
        assert.deepEqual(rowsOf(index, hash).sort(), expected.sort());
      }
    }),
  );
});
