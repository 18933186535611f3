import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dropsSince, NO_DROPS, statisticsOf } from '../../../../../src/app/record/write/file-statistics.ts';

/** Each option as its code and its number, or its text. */
function optionsOf(bytes: Uint8Array): readonly (readonly [number, number | string])[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const found: [number, number | string][] = [];
  for (let at = 0; at < bytes.length; ) {
    const [code, length] = [view.getUint16(at, true), view.getUint16(at + 2, true)];
    const value = bytes.subarray(at + 4, at + 4 + length);
    found.push([code, code === 1 ? Buffer.from(value).toString() : Number(view.getBigUint64(at + 4, true))]);
    at += 4 + length + (-length & 3);
  }
  return found;
}

test('one interface has the counters of its capture, as far as they are known', () => {
  const drops = { received: 100, kernelDrops: 3, interfaceDrops: null };
  assert.deepEqual(statisticsOf([97], drops, true).map(optionsOf), [
    [
      [6, 100],
      [7, 3],
      [8, 97],
    ],
  ]);
  assert.deepEqual(statisticsOf([2 ** 33 + 1], NO_DROPS, true).map(optionsOf), [[[8, 2 ** 33 + 1]]]);
});

test('of several interfaces nobody says on which one packets were dropped, only how many', () => {
  const drops = { received: 100, kernelDrops: 3, interfaceDrops: 2 };
  const words =
    'pcapid: of all interfaces together 3 packets that the kernel had no room for and 2 that the interfaces dropped are missing';
  assert.deepEqual(statisticsOf([50, 45], drops, false).map(optionsOf), [
    [[8, 50]],
    [
      [1, words],
      [8, 45],
    ],
  ]);
  assert.deepEqual(statisticsOf([50], { ...drops, kernelDrops: 0, interfaceDrops: 0 }, false).map(optionsOf), [
    [[8, 50]],
  ]);
});

test('a file has what was dropped since it began', () => {
  const early = { received: 10, kernelDrops: 1, interfaceDrops: 4 };
  const late = { received: 30, kernelDrops: 6, interfaceDrops: null };
  assert.deepEqual(dropsSince(early, late), { received: 20, kernelDrops: 5, interfaceDrops: null });
  assert.deepEqual(dropsSince(NO_DROPS, early), early);
});
