import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CONFIRMING_LOOK, LookAgain } from '../../../../../src/app/record/observe/look-again.ts';
import { KEY_WORDS, keyFirstPort, Protocol } from '../../../../../src/core/tuple.ts';
import { makeKey } from '../../../../support/facts.ts';

const key = (port: number) => makeKey(Protocol.Tcp, ['192.0.2.1', port], ['198.51.100.1', 443]);

/** `port/looks` of what is due at `nowUs`. */
function due(again: LookAgain, nowUs: number): string[] {
  const seen: string[] = [];
  again.takeDue(nowUs, new Int32Array(KEY_WORDS), (k, looks) => seen.push(`${keyFirstPort(k)}/${looks}`));
  return seen;
}

test('LookAgain gives each tuple back after its delay, once, in order', () => {
  const again = new LookAgain();
  again.add(key(1), 1, 0);
  again.add(key(2), 1, 5_000);
  assert.deepEqual(due(again, 19_999), []);
  assert.deepEqual(due(again, 20_000), ['1/2']);
  assert.deepEqual(due(again, 40_000), ['2/2']);
  assert.deepEqual([due(again, 1e9), again.size], [[], 0]);
});

test('LookAgain waits longer after every look, and ends after the last delay', () => {
  const again = new LookAgain();
  let nowUs = 0;
  const delays: number[] = [];
  again.add(key(7), 1, nowUs);
  while (again.size > 0) {
    const sinceUs = nowUs;
    let looks = 0;
    while (looks === 0) {
      nowUs += 10_000;
      again.takeDue(nowUs, new Int32Array(KEY_WORDS), (_, n) => {
        looks = n;
      });
    }
    delays.push(nowUs - sinceUs);
    again.add(key(7), looks, nowUs);
  }
  assert.ok(delays.length >= CONFIRMING_LOOK - 1);
  const ascending = [...delays].sort((a, b) => a - b);
  assert.deepEqual(delays, ascending);
});

test('LookAgain may be given new tuples while it hands due ones out', () => {
  const again = new LookAgain();
  for (let port = 1; port <= 3; port++) again.add(key(port), 1, 0);
  const seen: number[] = [];
  again.takeDue(20_000, new Int32Array(KEY_WORDS), (k, looks) => {
    seen.push(keyFirstPort(k));
    again.add(k, looks, 20_000);
  });
  assert.deepEqual([seen, again.size], [[1, 2, 3], 3]);
});

test('LookAgain keeps a bounded number of tuples', () => {
  const again = new LookAgain();
  for (let port = 0; port < 60_000; port++) again.add(key(port), 1, 0);
  assert.ok(again.size < 20_000);
  const first = due(again, 1e9);
  assert.equal(first.length + again.size, first.length);
  assert.equal(first[0], '0/2');
});
