import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FlowIndex } from '../../../src/flow/flow-index.ts';

/** All entries that a search for `hash` passes. */
function candidates(index: FlowIndex, hash: number): number[] {
  const found: number[] = [];
  for (let slot = hash & index.mask; index.pairs[2 * slot + 1] !== 0; slot = (slot + 1) & index.mask) {
    if (index.pairs[2 * slot] === hash) found.push(index.pairs[2 * slot + 1]! - 1);
  }
  return found.sort((a, b) => a - b);
}

test('FlowIndex finds what was inserted and not removed, whatever collides', () => {
  const hash = fc.oneof(fc.nat(7), fc.integer({ min: 2040, max: 2060 }), fc.integer({ min: -5, max: -1 }));
  const steps = fc.array(fc.record({ hash, remove: fc.boolean(), which: fc.nat() }), { maxLength: 200 });
  fc.assert(
    fc.property(steps, (all) => {
      const index = new FlowIndex();
      const model = new Map<number, number[]>();
      let entry = 0;
      for (const step of all) {
        const here = model.get(step.hash) ?? [];
        if (step.remove && here.length > 0) index.remove(step.hash, here.splice(step.which % here.length, 1)[0]!);
        else if (!step.remove) {
          index.insert(step.hash, entry);
          here.push(entry++);
          model.set(step.hash, here);
        }
      }
      for (const [key, entries] of model) assert.deepEqual(candidates(index, key), entries);
    }),
  );
});

test('FlowIndex grows and keeps everything', () => {
  const index = new FlowIndex();
  const hashOf = (i: number): number => Math.imul(i, 0x9e3779b1);
  for (let i = 0; i < 50_000; i++) index.insert(hashOf(i), i);
  assert.ok(index.mask >= 2 * 50_000 - 1);
  for (let i = 0; i < 50_000; i += 2) index.remove(hashOf(i), i);
  for (let i = 0; i < 50_000; i++) assert.deepEqual(candidates(index, hashOf(i)), i % 2 === 0 ? [] : [i]);
});

test('FlowIndex leaves no tombstones', () => {
  const index = new FlowIndex();
  for (let i = 0; i < 100_000; i++) {
    index.insert(i, i);
    if (i >= 500) index.remove(i - 500, i - 500);
  }
  assert.equal(index.mask, 2047);
});
