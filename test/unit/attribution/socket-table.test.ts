import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SocketTable } from '../../../src/attribution/socket-table.ts';
import { SocketState, SourceCode } from '../../../src/core/socket.ts';
import { Protocol } from '../../../src/core/tuple.ts';
import { makeClosed, makeSockets, makeTotals, type SocketLiteral } from '../../support/facts.ts';

const SERVER = {
  protocol: Protocol.Udp,
  local: ['192.0.2.1', 53],
  inode: 0,
  cookie: 7,
  source: SourceCode.Bpf,
} as const;
const client = (port: number): SocketLiteral => ({ ...SERVER, remote: ['198.51.100.9', port], seenUs: port });

function setUp() {
  const sockets = new SocketTable();
  const changed: number[] = [];
  const observe = (...literals: readonly SocketLiteral[]): void =>
    sockets.observe(makeSockets(...literals), (row) => changed.push(row));
  const rowsOf = (cookie: number): number[] => {
    const rows: number[] = [];
    for (let row = sockets.firstOf(cookie); row !== -1; row = sockets.nextOf(row)) rows.push(row);
    return rows;
  };
  return { sockets, changed, observe, rowsOf };
}

test('SocketTable keeps a row for each tuple of a socket, all of which learn its inode', () => {
  const t = setUp();
  t.observe(client(1), client(2));
  t.observe({ ...SERVER, inode: 90, seenUs: 5 });
  t.observe(client(3));
  assert.deepEqual(
    t.rowsOf(7).map((row) => t.sockets.facts.inode[row]),
    [90, 90, 90, 90],
  );
  assert.equal([...t.sockets.withInode(90)].length, 4);
});

test('SocketTable takes a told socket as there until it is closed, another one as long as it is seen, or until its end is heard of', () => {
  const t = setUp();
  t.observe(client(1), { ...client(2), cookie: 8, source: SourceCode.Diag });
  assert.deepEqual(
    [0, 1].map((row) => t.sockets.untilUs(row)),
    [Infinity, 2],
  );
  t.sockets.use(0, 500);
  t.sockets.use(1, 500);
  assert.deepEqual(
    [0, 1].map((row) => t.sockets.facts.toUs[row]),
    [500, 2],
  );
  t.sockets.close(makeClosed([7, 900], [8, 900], [99, 1]));
  assert.deepEqual(
    [0, 1].map((row) => t.sockets.untilUs(row)),
    [900, 900],
  );
  t.observe(client(3));
  assert.equal(t.sockets.untilUs(2), 900, 'what is told late of a closed socket does not open it again');
});

test('SocketTable knows the tuples of a listener, whichever it hears of first', () => {
  const t = setUp();
  const listener = { local: ['0.0.0.0', 80], inode: 5, cookie: 7, state: SocketState.Listen, seenUs: 1 } as const;
  const connection = { local: ['192.0.2.1', 80], remote: ['198.51.100.9', 5], inode: 0, cookie: 7, seenUs: 2 } as const;
  t.observe(connection, listener, { ...connection, remote: ['198.51.100.9', 6] }, connection);
  assert.deepEqual(
    t.rowsOf(7).map((row) => t.sockets.facts.state[row]),
    Array(3).fill(SocketState.Listen),
  );
});

test('SocketTable takes over what a better source says of a socket', () => {
  const t = setUp();
  t.observe({ ...client(1), source: SourceCode.Diag });
  t.changed.length = 0;
  t.observe({ ...client(1), netns: 100 });
  assert.deepEqual([t.changed, t.sockets.isTold(0), t.sockets.facts.netns[0]], [[0], true, 100]);
  t.observe({ ...client(1), source: SourceCode.Diag });
  assert.ok(t.sockets.isTold(0));
});

test('SocketTable gives what a socket carried to the last connection it had, and to nobody it does not know', () => {
  const t = setUp();
  t.observe(client(1), client(2));
  t.sockets.close(makeTotals(7, [30, 20, 10]));
  t.sockets.close(makeTotals(8, [3, 2, 1]));
  const [last, first] = t.rowsOf(7) as [number, number];
  const { hasTotals, sentBytes, receivedBytes, closedUs } = t.sockets.facts;
  assert.deepEqual([hasTotals[last], sentBytes[last], receivedBytes[last], closedUs[last]], [1, 30, 10, Infinity]);
  assert.deepEqual([hasTotals[first], t.rowsOf(8), t.sockets.size], [0, [], 2]);
});

test('SocketTable does not give what a socket carried to the next one in its row', () => {
  const t = setUp();
  t.observe(client(1));
  t.sockets.close(makeTotals(7, [30, 20, 10]));
  t.sockets.drop(t.rowsOf(7)[0]!);
  t.observe({ ...client(1), cookie: 8 });
  assert.equal(t.sockets.facts.hasTotals[t.rowsOf(8)[0]!], 0);
});
