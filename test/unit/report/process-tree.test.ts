import assert from 'node:assert/strict';
import { test } from 'node:test';
import { processTree } from '../../../src/report/process-tree.ts';

const lines = (rows: readonly (readonly [process: number, parent: number | null])[]) =>
  processTree(rows.map(([process, parent]) => ({ process, parent }))).map(({ process, depth }) => [process, depth]);

test('processTree() puts children below their parents and keeps the order otherwise', () => {
  const tree = lines([
    [5, 2],
    [1, null],
    [3, 2],
    [2, 1],
    [4, 99],
  ]);
  assert.deepEqual(tree, [
    [1, 0],
    [2, 1],
    [5, 2],
    [3, 2],
    [4, 0],
  ]);
});

test('processTree() loses nobody who is listed below a parent that is not', () => {
  assert.deepEqual(lines([[7, 6]]), [[7, 0]]);
  assert.deepEqual(lines([[7, 7]]), [[7, 0]]);
});

test('processTree() draws a chain of any length without growing wider for ever', () => {
  const chain = lines(Array.from({ length: 50_000 }, (_, i) => [i + 1, i === 0 ? null : i]));
  assert.equal(chain.length, 50_000);
  assert.deepEqual(chain.at(-1), [50_000, 20]);
});
