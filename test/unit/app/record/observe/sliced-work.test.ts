import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SlicedWork } from '../../../../../src/app/record/observe/sliced-work.ts';

/** Work on a clock that is fed: each step of a task takes `stepMs`. */
function setUp(stepMs: number) {
  let nowMs = 0;
  const later: (() => void)[] = [];
  const done: string[] = [];
  const work = new SlicedWork(
    () => nowMs,
    (run) => later.push(run),
  );
  function* task(name: string, steps: number): Generator<void> {
    for (let i = 1; i <= steps; i++) {
      nowMs += stepMs;
      done.push(`${name}${i}`);
      yield;
    }
  }
  return { work, done, later, task };
}

test('SlicedWork does short work at once', () => {
  const { work, done, later, task } = setUp(1);
  work.add(task('a', 3));
  assert.deepEqual([done, later.length], [['a1', 'a2', 'a3'], 0]);
});

test('SlicedWork pauses after ten milliseconds and goes on later', () => {
  const { work, done, later, task } = setUp(4);
  work.add(task('a', 5));
  assert.deepEqual(done, ['a1', 'a2', 'a3']);
  later.shift()!();
  assert.deepEqual([done, later.length], [['a1', 'a2', 'a3', 'a4', 'a5'], 0]);
});

test('SlicedWork keeps the order of tasks, also of one that comes during a pause', () => {
  const { work, done, later, task } = setUp(10);
  work.add(task('a', 2));
  work.add(task('b', 1));
  assert.deepEqual(done, ['a1']);
  while (later.length > 0) later.shift()!();
  assert.deepEqual(done, ['a1', 'a2', 'b1']);
  work.add(task('c', 1));
  assert.equal(done.at(-1), 'c1');
});

test('SlicedWork takes a task that a task adds after the ones before it', () => {
  const { work, done, task } = setUp(0);
  work.add(
    (function* () {
      work.add(task('inner', 1));
      done.push('outer');
      yield;
      done.push('outer again');
    })(),
  );
  assert.deepEqual(done, ['outer', 'outer again', 'inner1']);
});
