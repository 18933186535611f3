import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LateTotals } from '../../../../../src/app/record/observe/late-totals.ts';
import { createColumns, pushRow } from '../../../../../src/core/columns.ts';
import { CLOSED_COLUMNS, type ClosedColumns } from '../../../../../src/core/socket.ts';
import type { SocketEnds } from '../../../../../src/linux/socket-ends.ts';

const SECOND = 1_000_000;

/** Ends that are heard of: cookies; those below zero are of sockets that say nothing of what they carried. */
function setUp(holdUs = SECOND) {
  let now = 100 * SECOND;
  let opened = 0;
  const waiting: number[] = [];
  const ends = {
    read(out: ClosedColumns): void {
      for (const cookie of waiting.splice(0)) {
        const row = pushRow(out);
        out.cookie[row] = Math.abs(cookie);
        out.atUs[row] = now;
        out.hasTotals[row] = cookie > 0 ? 1 : 0;
        out.sentBytes[row] = cookie * 10;
      }
    },
    close: () => void waiting.splice(0),
  } as unknown as SocketEnds;
  const open = (): SocketEnds => {
    opened++;
    waiting.splice(0); // nobody listened
    return ends;
  };
  const totals = new LateTotals(open, () => now, holdUs);
  const read = (last: 'last' | 'more' = 'more'): string[] => {
    const out = createColumns(CLOSED_COLUMNS, 1);
    totals.read(out, last);
    return Array.from({ length: out.count }, (_, i) => `${out.cookie[i]} ${out.sentBytes[i]} at ${out.atUs[i]}`);
  };
  read();
  const pass = (us: number): void => {
    now += us;
  };
  return { read, heard: waiting, pass, opened: () => opened };
}

test('LateTotals tells what a connection carried a second later, and not when it was closed', () => {
  const { read, heard, pass } = setUp();
  heard.push(7, -8);
  assert.deepEqual(read(), []);
  pass(SECOND);
  assert.deepEqual(read(), []);
  pass(SECOND);
  assert.deepEqual(read(), ['7 70 at 0']);
  pass(SECOND);
  assert.deepEqual(read(), []);
});

test('LateTotals tells at once where nobody is late, and all when it is asked for the last time', () => {
  const prompt = setUp(0);
  prompt.heard.push(7);
  assert.deepEqual(prompt.read(), ['7 70 at 0']);
  assert.deepEqual(prompt.read(), []);
  const { read, heard, pass } = setUp();
  heard.push(7);
  pass(SECOND);
  read();
  heard.push(9);
  assert.deepEqual(read('last'), ['7 70 at 0', '9 90 at 0']);
});

test('LateTotals does not listen to a storm, and does again when it may be over', () => {
  const { read, heard, pass, opened } = setUp(0);
  heard.push(...Array.from({ length: 501 }, (_, i) => i + 1));
  assert.equal(read().length, 501);
  heard.push(600);
  pass(9 * SECOND);
  assert.deepEqual([read(), opened()], [[], 1]);
  pass(SECOND);
  read();
  heard.push(700);
  assert.deepEqual([read(), opened()], [['700 7000 at 0'], 2]);
});

test('LateTotals listens to as many as there may be, second after second', () => {
  const { read, heard, pass, opened } = setUp(0);
  for (let second = 0; second < 20; second++) {
    heard.push(...Array.from({ length: 500 }, (_, i) => i + 1));
    assert.equal(read().length, 500);
    pass(SECOND);
  }
  assert.equal(opened(), 1);
});
