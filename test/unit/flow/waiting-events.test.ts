import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { hashKey } from '../../../src/flow/flow-key.ts';
import { WaitingEvents } from '../../../src/flow/waiting-events.ts';
import { tupleKey } from '../../support/socket-events.ts';

const keyOf = (port: number): Int32Array => tupleKey(17, `10.0.0.1:${port}`, '10.0.0.2:53');
const backOf = (port: number): Int32Array => tupleKey(17, '10.0.0.2:53', `10.0.0.1:${port}`);

function add(waiting: WaitingEvents, key: Int32Array, cookie: number, atUs = 0): void {
  waiting.add(key, hashKey(key, 0, 1), cookie, atUs, 1);
}

/** Cookies of the events of a tuple, with the end of the key that each is at. */
function take(waiting: WaitingEvents, key: Int32Array): [cookie: number, side: number][] {
  const taken: [number, number][] = [];
  for (let row = waiting.take(hashKey(key, 0, 1), key, 0); row >= 0; row = waiting.next(row)) {
    taken.push([waiting.cookie[row]!, waiting.sideIn(key, 0, row)]);
  }
  return taken;
}

describe('WaitingEvents', () => {
  test('WaitingEvents gives the events of a tuple in their order, whichever end they are at, and once', () => {
    const waiting = new WaitingEvents();
    add(waiting, keyOf(1), 10);
    add(waiting, keyOf(2), 20);
    add(waiting, backOf(1), 11);
    add(waiting, keyOf(1), 12);
    assert.deepEqual(take(waiting, keyOf(1)), [
      [10, 0],
      [11, 1],
      [12, 0],
    ]);
    assert.deepEqual([take(waiting, keyOf(1)), waiting.count], [[], 1]);
  });

  test('WaitingEvents forgets what is older than two seconds', () => {
    const waiting = new WaitingEvents();
    for (const [cookie, atUs] of [
      [10, 0],
      [11, 1e6],
      [12, 2e6],
    ] as const)
      add(waiting, keyOf(1), cookie, atUs);
    waiting.expire(3e6);
    assert.deepEqual(take(waiting, keyOf(1)), [
      [11, 0],
      [12, 0],
    ]);
  });

  test('WaitingEvents keeps 65,536 events, the youngest', () => {
    const waiting = new WaitingEvents();
    for (let n = 0; n < 200_000; n++) add(waiting, keyOf(n % 50_000), n);
    assert.equal(waiting.count, 65_536);
    assert.deepEqual(take(waiting, keyOf(0)), [[150_000, 0]]);
    assert.deepEqual(
      take(waiting, keyOf(49_999)).map(([cookie]) => cookie),
      [149_999, 199_999],
    );
  });

  test('WaitingEvents takes any number of events of one tuple in the time of as many of different ones', () => {
    const waiting = new WaitingEvents();
    for (let n = 0; n < 300_000; n++) add(waiting, keyOf(1), n);
    assert.equal(take(waiting, keyOf(1)).length, 65_536);
  });

  test('WaitingEvents agrees with a list of lists', () => {
    const steps = fc.array(
      fc.record({ port: fc.nat(3), what: fc.constantFrom('add', 'add', 'add', 'take', 'expire'), gapUs: fc.nat(1e6) }),
    );
    fc.assert(
      fc.property(steps, (all) => {
        const waiting = new WaitingEvents();
        let model: { port: number; cookie: number; atUs: number }[] = [];
        let nowUs = 0;
        for (const [cookie, { port, what, gapUs }] of all.entries()) {
          nowUs += gapUs;
          if (what === 'add') {
            add(waiting, keyOf(port), cookie, nowUs);
            model.push({ port, cookie, atUs: nowUs });
          } else if (what === 'expire') {
            waiting.expire(nowUs);
            model = model.filter(({ atUs }) => nowUs - atUs <= 2e6);
          } else {
            const expected = model.filter((event) => event.port === port).map((event) => [event.cookie, 0]);
            assert.deepEqual(take(waiting, keyOf(port)), expected);
            model = model.filter((event) => event.port !== port);
          }
          assert.equal(waiting.count, model.length);
        }
      }),
    );
  });
});
