/** Without tracing, kernel events name who opens sockets, not who accepts or gets them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SocketState, SourceCode } from '../../../src/core/socket.ts';
import { DST, HOST, PEER, roles, SRC, setUp, words } from '../../support/attributor.ts';
import { makeHolders, makeOwners, makeProcess, makeSockets } from '../../support/facts.ts';

const T = 5_000_000;
const SERVED = { serial: 2, src: [PEER, 5555], dst: [HOST, 80], firstUs: T, lastUs: T + 900 } as const;
const CLIENT = { serial: 1, src: [HOST, 40000], dst: [PEER, 443], firstUs: T, lastUs: T + 900 } as const;
const ACCEPTED = { local: [HOST, 80], remote: [PEER, 5555], inode: 0, cookie: 9, source: SourceCode.Cgroup } as const;
const LISTENER = { local: ['0.0.0.0', 80], inode: 8, cookie: 2, state: SocketState.Listen } as const;

test('attribute() names the only holder of the listener for an accepted connection', () => {
  const t = setUp();
  t.observe({ processes: [makeProcess(7)], holders: makeHolders([8, 7, T]) });
  t.observe({ sockets: makeSockets({ ...LISTENER, seenUs: T }, { ...ACCEPTED, seenUs: T + 90 }) });
  t.flows(SERVED);
  t.answer();
  assert.equal(words(t.of(2, DST)), '7 listener likely');
  assert.deepEqual(roles(t.of(2, DST)), ['7 listener']);
});

test('attribute() names nobody for it when that process has forked, but who holds the connection itself', () => {
  const t = setUp();
  t.observe({ processes: [makeProcess(7, { forked: true }), makeProcess(9)], holders: makeHolders([8, 7, T]) });
  t.observe({ sockets: makeSockets({ ...LISTENER, seenUs: T }, { ...ACCEPTED, seenUs: T + 90 }) });
  t.flows(SERVED);
  t.answer();
  assert.equal(words(t.of(2, DST)), 'ambiguous listener ambiguous');
  t.observe({
    sockets: makeSockets({ ...ACCEPTED, inode: 99, seenUs: T + 500 }),
    holders: makeHolders([99, 9, T + 500]),
  });
  t.answer();
  assert.equal(words(t.of(2, DST)), '9 cookie exact');
});

test('attribute() names who connected, unless it has forked: a child may use the connection', () => {
  const t = setUp();
  t.observe({ processes: [makeProcess(7), makeProcess(8, { forked: true })] });
  const called = { evidence: 'Called', source: SourceCode.Cgroup, fromUs: T - 2 } as const;
  const other = { ...CLIENT, serial: 3, src: [HOST, 40001] } as const;
  t.observe({
    sockets: makeSockets(
      { local: CLIENT.src, remote: CLIENT.dst, inode: 0, cookie: 5, seenUs: T - 2, source: SourceCode.Cgroup },
      { local: other.src, remote: other.dst, inode: 0, cookie: 6, seenUs: T - 2, source: SourceCode.Cgroup },
    ),
    owners: makeOwners({ ...called, cookie: 5, pid: 7 }, { ...called, cookie: 6, pid: 8 }),
  });
  t.flows(CLIENT, other);
  t.answer();
  assert.equal(words(t.of(1, SRC)), '7 cookie exact');
  assert.equal(words(t.of(3, SRC)), 'closed-before-scan cookie unknown');
});
