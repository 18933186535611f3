import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FlowTable } from '../../../src/flow/flow-table.ts';
import { datagram, noteAndFeed, ownership } from '../../support/flows.ts';
import { closes, sends, tupleKey } from '../../support/socket-events.ts';

const SEC = 1e6;
const ROOM = 8192; // of flows whose socket was closed

const tuple = (port: number): Int32Array => tupleKey(17, `10.0.0.1:${port}`, '10.0.0.2:53');

/** Flows of so many sockets, from port 1 on, each closed right after its datagram. @returns the serial of a port's flow */
function storm(count: number): { table: FlowTable; serialOf: (port: number) => number } {
  const table = new FlowTable({ seed: 1 });
  const ports = Array.from({ length: count }, (_, i) => i + 1);
  const events = ports.flatMap((port) => [sends(port, tuple(port), port * 10), closes(port, port * 10 + 5)]);
  noteAndFeed(
    table,
    events,
    ports.map((port) => datagram(port * 10 + 1, port)),
  );
  return { table, serialOf: (port) => table.flowOf(tuple(port), 0) };
}

test('a flow is told as ended when its socket is closed, and waits for the next socket on its tuple', () => {
  const { table, serialOf } = storm(2);
  assert.deepEqual(ownership(table.drain(1 * SEC)), ['1 1/0 end-of-flow 1 0', '2 1/0 end-of-flow 2 0']);
  table.drain(50 * SEC);
  assert.deepEqual([serialOf(1), serialOf(2)], [1, 2]);
  table.drain(61 * SEC);
  assert.deepEqual([serialOf(1), serialOf(2)], [0, 0]);
});

test('of many flows whose socket was closed the oldest leave, but none before two seconds have passed', () => {
  const { table, serialOf } = storm(ROOM + 2);
  assert.equal(table.drain(1 * SEC).count, ROOM + 2);
  assert.deepEqual([serialOf(1), serialOf(2), serialOf(3)], [1, 2, 3]);
  assert.equal(table.drain(3 * SEC).count, 0, 'they were told before');
  assert.deepEqual([serialOf(1), serialOf(2), serialOf(3)], [0, 0, 3]);
});

test('a flow whose socket was closed goes on under a new serial with the next packet, and has its time again', () => {
  const { table, serialOf } = storm(ROOM + 2);
  table.drain(1 * SEC);
  noteAndFeed(table, [sends(70_000, tuple(1), 1.5 * SEC)], [datagram(1.5 * SEC + 1, 1)]);
  assert.equal(serialOf(1), ROOM + 3);
  table.drain(4 * SEC);
  assert.deepEqual([serialOf(1), serialOf(2), serialOf(3)], [ROOM + 3, 0, 3]);
});
