import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { K_PORTS, KEY_WORDS } from '../../../src/core/tuple.ts';
import { Assembly, AssemblyTable } from '../../../src/names/assembly.ts';

const parser = (): boolean => true;
const octets = (from: number, to: number): Uint8Array =>
  Uint8Array.from({ length: to - from }, (_, i) => (from + i) & 255);
const keyOf = (ports: number): Int32Array => {
  const key = new Int32Array(KEY_WORDS);
  key[K_PORTS] = ports;
  return key;
};

describe('Assembly', () => {
  test('Assembly knows octets up to the first gap, in whatever order they came', () => {
    const assembly = new Assembly();
    assembly.start(keyOf(1), 0, 0, 1, parser);
    const known: number[] = [];
    for (const [from, to] of [
      [10, 20],
      [30, 40],
      [0, 5],
      [35, 50],
      [5, 10],
      [18, 32],
    ] as const) {
      assembly.add(from, octets(from, to));
      known.push(assembly.known.length);
    }
    assert.deepEqual(known, [0, 0, 5, 5, 20, 50]);
    assert.deepEqual(assembly.known, octets(0, 50));
  });

  test('Assembly keeps what it has room for, and is full after some pieces', () => {
    const assembly = new Assembly();
    assembly.start(keyOf(1), 0, 0, 1, parser);
    assert.deepEqual([assembly.takes(8191), assembly.takes(8192)], [true, false]);
    assembly.add(0, octets(0, 70_000));
    assert.deepEqual([assembly.known.length, assembly.isFull], [8192, true]);
    assembly.start(keyOf(2), 0, 0, 1, parser);
    assert.deepEqual([assembly.known.length, assembly.isFull], [0, false]);
    for (let n = 0; n < 40; n++) assembly.add(2 * n, octets(0, 1));
    assert.ok(assembly.isFull);
  });
});

describe('AssemblyTable', () => {
  test('AssemblyTable finds a stream until it ends, is too old, or another one takes its place', () => {
    const table = new AssemblyTable(1);
    const [a, b] = [keyOf(7), keyOf(0x10000)];
    assert.ok(!table.mayWait(7));
    const stream = table.begin(a, 0, 5, 100, parser);
    assert.ok(table.mayWait(7));
    assert.equal(table.find(a, 0, 130), stream);
    assert.equal(table.find(a, 0, 131), undefined);
    assert.equal(table.find(b, 0, 100), undefined);
    table.begin(b, 0, 5, 100, parser);
    assert.deepEqual([table.find(a, 0, 100), table.mayWait(7)], [undefined, false]);
    table.end(table.find(b, 0, 100)!);
    assert.deepEqual([table.find(b, 0, 100), table.mayWait(0x10000)], [undefined, false]);
  });

  test('AssemblyTable begins again with another base, and keeps what it has with the same', () => {
    const table = new AssemblyTable();
    const key = keyOf(7);
    table.begin(key, 0, 5, 100, parser).add(0, octets(0, 9));
    assert.equal(table.begin(key, 0, 5, 100, parser).known.length, 9);
    assert.equal(table.begin(key, 0, 6, 100, parser).known.length, 0);
  });
});
