import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NewbornQueue } from '../../../../../src/app/record/observe/newborn-queue.ts';

/** `pid/life` of who is due at `nowUs`. */
function due(queue: NewbornQueue, nowUs: number): string[] {
  const seen: string[] = [];
  queue.takeDue(nowUs, (pid, life) => seen.push(`${pid}/${life}`));
  return seen;
}

test('NewbornQueue looks at once, and twice more within a few milliseconds', () => {
  const queue = new NewbornQueue();
  queue.add(7, 1, 5_000, 'birth');
  assert.equal(queue.nextUs, 5_000);
  assert.deepEqual(due(queue, 5_000), ['7/1']);
  assert.deepEqual(due(queue, 5_999), []);
  assert.deepEqual(due(queue, 6_000), ['7/1']);
  assert.deepEqual(due(queue, 8_000), ['7/1']);
  assert.equal(queue.nextUs, Infinity);
});

test('NewbornQueue leaves a program that was just loaded its time to open something', () => {
  const queue = new NewbornQueue();
  queue.add(7, 1, 5_000, 'exec');
  assert.equal(queue.nextUs, 6_000);
});

test('NewbornQueue looks at the youngest first when several looks are due', () => {
  const queue = new NewbornQueue();
  queue.add(7, 1, 0, 'birth');
  due(queue, 0);
  queue.add(8, 2, 1_000, 'birth');
  assert.deepEqual(due(queue, 1_000), ['8/2', '7/1']);
});

test('NewbornQueue forgets the oldest, and counts them, when too many wait', () => {
  const queue = new NewbornQueue();
  for (let pid = 1; pid <= 5000; pid++) queue.add(pid, pid, 0, 'birth');
  const seen = due(queue, 0);
  assert.ok(seen.length < 2000);
  assert.equal(seen.at(-1), '5000/5000');
  assert.equal(queue.dropped, 3 * (5000 - seen.length));
});
