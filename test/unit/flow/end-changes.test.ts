import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FlowEnd } from '../../../src/core/flow.ts';
import { EndChanges, NO_CHANGE } from '../../../src/flow/end-changes.ts';

/** Cookies of the changes that wait on a flow. */
function waiting(changes: EndChanges, id: number): number[] {
  const cookies: number[] = [];
  for (let row = changes.first(id); row !== NO_CHANGE; row = changes.next[row]!) cookies.push(changes.cookie[row]!);
  return cookies;
}

describe('EndChanges', () => {
  test('EndChanges keeps a queue for each flow', () => {
    const changes = new EndChanges();
    for (let n = 0; n < 1000; n++) changes.append(n % 3, n, 0, n, FlowEnd.None);
    for (let n = 0; n < 332; n++) changes.shift(1);
    assert.deepEqual(waiting(changes, 1), [997]);
    changes.shift(1);
    assert.deepEqual([waiting(changes, 1), [...changes.flows()]], [[], [0, 2]]);
    assert.equal(waiting(changes, 0).length, 334);
  });

  test('EndChanges never goes back in time within a flow', () => {
    const changes = new EndChanges();
    changes.append(1, 50, 0, 7, FlowEnd.None);
    changes.append(1, 40, 1, 8, FlowEnd.None);
    assert.equal(changes.atUs[changes.last(1)], 50);
  });

  test('EndChanges refuses more than 65,536 changes and uses the room of those that are gone', () => {
    const changes = new EndChanges();
    for (let n = 0; n < 65_536; n++) assert.ok(changes.append(n, 0, 0, n, FlowEnd.None));
    assert.ok(!changes.append(1, 0, 0, 1, FlowEnd.None));
    changes.shift(77);
    assert.ok(changes.append(1, 0, 0, 1, FlowEnd.None));
  });

  test('EndChanges hands a queue over row by row', () => {
    const changes = new EndChanges();
    for (const cookie of [5, 6, 7]) changes.append(1, cookie, 0, cookie, FlowEnd.None);
    const taken: number[] = [];
    for (let row = changes.detach(1); row !== NO_CHANGE; row = changes.free(row)) taken.push(changes.cookie[row]!);
    assert.deepEqual([taken, waiting(changes, 1)], [[5, 6, 7], []]);
  });
});
