import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FlowEnd } from '../../../src/attribution/flow-end.ts';
import { forgetSockets } from '../../../src/attribution/forget-sockets.ts';
import { OwnerTable } from '../../../src/attribution/owner-table.ts';
import { PendingEnds, Standing } from '../../../src/attribution/pending-ends.ts';
import { SocketTable } from '../../../src/attribution/socket-table.ts';
import { SourceCode } from '../../../src/core/socket.ts';
import { KEY_WORDS, Protocol } from '../../../src/core/tuple.ts';
import { makeClosed, makeKey, makeOwners, makeSockets, type SocketLiteral } from '../../support/facts.ts';

const SECOND = 1_000_000;
const SERVER = {
  protocol: Protocol.Udp,
  local: ['192.0.2.1', 53],
  inode: 0,
  cookie: 7,
  source: SourceCode.Bpf,
} as const;
const CLIENT = ['198.51.100.9', 1] as const;

function setUp(...literals: readonly SocketLiteral[]) {
  const t = {
    sockets: new SocketTable(),
    owners: new OwnerTable(),
    pending: new PendingEnds(),
    keepClosedUs: 30 * SECOND,
  };
  t.sockets.observe(makeSockets(...literals), () => {});
  /** @returns the rows that are gone */
  const forget = (nowUs: number): number[] => {
    const gone: number[] = [];
    for (const _ of forgetSockets(t, nowUs, nowUs - 150 * SECOND, (row) => gone.push(row))) void _;
    return gone;
  };
  return { ...t, forget };
}

test('an open socket that was told is kept for an hour after its last packet', () => {
  const t = setUp({ ...SERVER, remote: CLIENT, seenUs: 0 });
  assert.deepEqual(t.forget(3700 * SECOND), []);
  assert.deepEqual(t.forget(3751 * SECOND), [0]);
  assert.deepEqual([t.sockets.size, t.sockets.firstOf(7)], [0, -1]);
  assert.equal(t.sockets.firstOn(makeKey(Protocol.Udp, SERVER.local, CLIENT), 0), -1);
});

test('a connection is kept for 30 s after it was closed, a datagram socket for 5 s, and their owners with them', () => {
  const t = setUp(
    { ...SERVER, remote: CLIENT, seenUs: 0 },
    { ...SERVER, protocol: Protocol.Tcp, cookie: 8, seenUs: 0 },
  );
  t.owners.observe(
    makeOwners(
      { cookie: 7, pid: 42, evidence: 'Called', fromUs: 0 },
      { cookie: 8, pid: 43, evidence: 'Called', fromUs: 0 },
    ),
    () => {},
  );
  t.sockets.close(makeClosed([7, SECOND], [8, SECOND]));
  assert.deepEqual(t.forget(6 * SECOND), []);
  assert.deepEqual(t.forget(7 * SECOND), [0]);
  assert.deepEqual([t.owners.newest(7), t.owners.newest(8)], [-1, 1]);
  assert.deepEqual(t.forget(31 * SECOND), []);
  assert.deepEqual(t.forget(32 * SECOND), [1]);
  assert.equal(t.owners.newest(8), -1);
});

test('a closed datagram socket waits for the end of a flow on its tuple that has no final answer, at most 30 s', () => {
  const t = setUp({ ...SERVER, remote: CLIENT, seenUs: 0 });
  t.sockets.close(makeClosed([7, SECOND]));
  t.pending.add(1, 0, endOn(makeKey(Protocol.Udp, SERVER.local, CLIENT)), Standing.Local, 0);
  assert.deepEqual(t.forget(30 * SECOND), []);
  assert.deepEqual(t.forget(32 * SECOND), [0]);
});

test('of the peers of servers those that talked last are kept, and all that talked in the last seconds', () => {
  const peer = (port: number, seenUs: number): SocketLiteral => ({ ...SERVER, remote: ['198.51.100.9', port], seenUs });
  const room = 1 << 15;
  const t = setUp();
  const ports = Array.from({ length: room / 2 }, (_, i) => i + 1);
  for (const local of ['192.0.2.1', '192.0.2.2'])
    t.sockets.observe(
      makeSockets(...ports.map((port) => ({ ...peer(port, port), local: [local, 53] as const }))),
      () => {},
    );
  assert.equal(t.sockets.size, room);
  assert.deepEqual(t.forget(100 * SECOND), [], 'there is room for all');
  t.sockets.observe(makeSockets(peer(60_001, 90 * SECOND), peer(60_002, 99 * SECOND)), () => {});
  const [first] = t.forget(94 * SECOND);
  assert.deepEqual([first, t.sockets.size], [0, room]);
});

function endOn(key: Int32Array): FlowEnd {
  const times = { firstUs: 0, lastUs: 0, handedUs: 0, cutUs: Infinity };
  const flags = { ended: false, beganIt: true, isRefused: false, isCut: false, isHanded: false };
  const place = { ifindex: 0, netns: 0, cookie: 0, isMulticast: false, isForeign: false };
  return { key, at: 0, nat: new Int32Array(KEY_WORDS), ...times, ...flags, ...place };
}
