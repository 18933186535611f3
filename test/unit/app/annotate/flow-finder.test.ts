import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FlowFinder } from '../../../../src/app/annotate/flow-finder.ts';
import { TUPLE_COLUMNS } from '../../../../src/app/annotate/flow-owners.ts';
import { createColumns, pushRow } from '../../../../src/core/columns.ts';
import { KEY_WORDS, Protocol } from '../../../../src/core/tuple.ts';
import { tupleKey } from '../../../support/socket-events.ts';

const A = '192.0.2.1:40000';
const B = '198.51.100.9:443';
const forth = tupleKey(Protocol.Tcp, A, B);
const back = tupleKey(Protocol.Tcp, B, A);

function finderOf(...flows: readonly (readonly [key: Int32Array, firstUs: number])[]): FlowFinder {
  const columns = createColumns(TUPLE_COLUMNS);
  for (const [key, firstUs] of flows) {
    const row = pushRow(columns);
    columns.key.set(key, row * KEY_WORDS);
    columns.firstUs[row] = firstUs;
  }
  return new FlowFinder(columns);
}

const found = (way: number): string => (way < 0 ? 'none' : `${way >> 1} ${(way & 1) === 0 ? 'original' : 'reply'}`);

test('FlowFinder tells both directions of a flow, and knows no other tuple', () => {
  const finder = finderOf([tupleKey(Protocol.Udp, A, B), 1], [forth, 2]);
  assert.equal(found(finder.find(forth, 0, 5)), '2 original');
  assert.equal(found(finder.find(back, 0, 5)), '2 reply');
  assert.equal(found(finder.find(tupleKey(Protocol.Sctp, A, B), 0, 5)), 'none');
});

test('FlowFinder tells flows of one tuple apart by time, whichever end began', () => {
  const finder = finderOf([forth, 10], [back, 20], [forth, 30]);
  const at = (us: number) => [found(finder.find(forth, 0, us)), found(finder.find(back, 0, us))];
  assert.deepEqual(at(15), ['1 original', '1 reply']);
  assert.deepEqual(at(20), ['2 reply', '2 original']);
  assert.deepEqual(at(99), ['3 original', '3 reply']);
  assert.deepEqual(at(29), ['2 reply', '2 original'], 'a packet that comes late');
  assert.deepEqual(at(1), ['1 original', '1 reply'], 'before all of them');
});
