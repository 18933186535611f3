import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProcessLives } from '../../../../../src/app/record/observe/process-lives.ts';
import { makeProcess } from '../../../../support/facts.ts';

const SECOND = 1_000_000;
const born = (lives: ProcessLives, pid: number, startTicks: number, atUs: number) =>
  lives.add(makeProcess(pid, { startTicks }), atUs, 0);

test('ProcessLives forgets the middle one of three that had a pid', () => {
  const lives = new ProcessLives();
  const all = [1, 2, 3].map((startTicks) => born(lives, 42, startTicks, startTicks * SECOND));
  lives.end(all[1]!, 2 * SECOND);
  lives.end(all[0]!, 100 * SECOND);
  lives.forget(200 * SECOND);
  assert.deepEqual(
    [1, 2, 3].map((startTicks) => lives.find(42, startTicks) !== undefined),
    [true, false, true],
  );
});

test('ProcessLives keeps at most 65,536 that ended, the last ones', () => {
  const lives = new ProcessLives();
  for (let i = 1; i <= 140_000; i++) lives.end(born(lives, i % 30_000, i, i), i);
  const kept = Array.from({ length: 140_000 }, (_, i) => i + 1).filter((i) => lives.find(i % 30_000, i) !== undefined);
  assert.equal(kept.length, 65_536);
  assert.equal(kept[0], 140_000 - 65_535);
});

test('ProcessLives finds who had a pid at a moment, by when they began', () => {
  const lives = new ProcessLives();
  const first = born(lives, 42, 100, 5 * SECOND); // it began after a second, and was seen after five
  lives.end(first, 6 * SECOND);
  const second = born(lives, 42, 700, 8 * SECOND);
  assert.equal(lives.current(42, 2 * SECOND), first);
  assert.equal(lives.current(42, 7 * SECOND), second);
  assert.equal(lives.current(42, SECOND / 2), undefined);
  assert.deepEqual([...lives.living()], [second]);
});
