import assert from 'node:assert/strict';
import { test } from 'node:test';
import { freeBuffers, freeOutgrown, grown } from '../../../src/core/arrays.ts';
import { createColumns, freeColumns, pushRow, transferList } from '../../../src/core/columns.ts';

const MANY = 1 << 16;

test('freeBuffers() frees memory at once, also of arrays that share it', () => {
  const before = process.memoryUsage().arrayBuffers;
  const values = new Float64Array(MANY);
  const part = values.subarray(1);
  freeBuffers([values.buffer]);
  freeBuffers([]);
  assert.deepEqual([values.length, part.length], [0, 0]);
  assert.ok(process.memoryUsage().arrayBuffers < before + MANY);
});

test('a thread that has sent nothing keeps what it has outgrown, one that has sent columns frees it', () => {
  const first = new Float64Array(MANY).fill(7);
  const second = grown(first, new Float64Array(2 * MANY));
  assert.deepEqual([first.length, second[MANY - 1], second[MANY]], [MANY, 7, 0]);
  transferList(createColumns({ a: 'f64' }));
  const third = grown(second, new Float64Array(4 * MANY));
  assert.deepEqual([second.length, third[MANY - 1], third.length], [0, 7, 4 * MANY]);
});

test('small arrays are not worth the time', () => {
  transferList(createColumns({ a: 'f64' }));
  const small = new Uint8Array(8);
  freeOutgrown([small.buffer]);
  assert.equal(small.length, 8);
});

test('columns of a sender keep their rows when they grow, and are empty when they are freed', () => {
  const columns = createColumns({ a: 'f64', b: 'u8' }, 1);
  transferList(columns);
  for (let i = 0; i < MANY; i++) {
    const row = pushRow(columns); // first: it replaces the arrays
    columns.a[row] = i;
  }
  assert.ok(columns.a.subarray(0, MANY).every((value, i) => value === i));
  freeColumns(columns);
  assert.deepEqual([columns.a.length, columns.b.length], [0, 0]);
});
