import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads';
import { copyRow, createColumns, createNext, pushRow, transferList } from '../../../src/core/columns.ts';
import { KEY_WORDS } from '../../../src/core/tuple.ts';

const SPEC = { a: 'f64', key: 'key', b: 'u8', c: 'u32' } as const;

test('pushRow() grows all columns together and keeps their rows', () => {
  const columns = createColumns(SPEC, 2);
  for (let i = 0; i < 100; i++) {
    const row = pushRow(columns);
    assert.equal(row, i);
    columns.a[row] = i + 0.5;
    columns.key[row * KEY_WORDS + KEY_WORDS - 1] = i - 50;
    columns.b[row] = i;
  }
  assert.equal(columns.count, 100);
  for (let i = 0; i < 100; i++) {
    assert.equal(columns.a[i], i + 0.5);
    assert.equal(columns.key[i * KEY_WORDS + KEY_WORDS - 1], i - 50);
    assert.equal(columns.b[i], i);
    assert.equal(columns.c[i], 0);
  }
});

test('columns arrive as they were when their buffers are transferred, and leave the sender empty', () => {
  const columns = createColumns(SPEC);
  columns.a[pushRow(columns)] = 7;
  const { port1, port2 } = new MessageChannel();
  port1.postMessage(columns, transferList(columns));
  const received = receiveMessageOnPort(port2)?.message as typeof columns;
  port1.close();
  assert.deepEqual([received.count, received.a[0], received.key.length], [1, 7, received.capacity * KEY_WORDS]);
  assert.equal(columns.a.length, 0);
});

test('copyRow() appends a row, also one of the same columns', () => {
  const columns = createColumns(SPEC, 1);
  columns.a[pushRow(columns)] = 7;
  columns.key.fill(9);
  for (let i = 0; i < 3; i++) copyRow(SPEC, columns, i, columns);
  assert.deepEqual([columns.count, columns.a[3], columns.key[3 * KEY_WORDS], columns.c[3]], [4, 7, 9, 0]);
});

test('createColumns() refuses a capacity that could never grow', () => {
  for (const capacity of [0, -1, Number.NaN]) assert.throws(() => createColumns(SPEC, capacity), RangeError);
});

test('createNext() has room for as many rows as the last columns had, and a quarter more, but no memory of bursts before', () => {
  const first = createColumns({ n: 'f64' });
  for (let i = 0; i < 1000; i++) first.n[pushRow(first)] = i;
  const next = createNext({ n: 'f64' }, first);
  assert.deepEqual([next.count, next.capacity, next.n.length], [0, 1250, 1250]);
  assert.equal(createNext({ n: 'f64' }, next).capacity, 64);
});
