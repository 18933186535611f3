import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createColumns } from '../../../src/core/columns.ts';
import { HOLDER_COLUMNS } from '../../../src/core/process.ts';
import {
  NO_UID,
  OwnerEvidence,
  SOCKET_COLUMNS,
  SOCKET_EVENT_COLUMNS,
  SocketEvent,
  type SocketEventColumns,
  SocketFlag,
  SocketState,
  SourceCode,
} from '../../../src/core/socket.ts';
import { equalKeys, K_SCOPE, KEY_WORDS, Protocol } from '../../../src/core/tuple.ts';
import { decodeSnapshot, decodeSocketEvents } from '../../../src/linux/bpf-events.ts';
import { type EventLiteral, ringOf, snapshotRecord, socketEvent } from '../../support/bpf-records.ts';
import { makeKey } from '../../support/facts.ts';

const SEEN: EventLiteral = {
  kind: SocketEvent.Seen,
  pid: 4711,
  atUs: 9_876_543_210,
  cookie: 0x1_0000_0002,
  netnsCookie: 4099,
  cgroup: 7000,
  startTicks: 123_456,
  local: ['192.0.2.1', 40000],
  remote: ['198.51.100.9', 443],
  evidence: OwnerEvidence.Called,
  uid: 1000,
  netns: 4_026_531_840,
  flags: SocketFlag.Outgoing,
};

function decode(...records: readonly Buffer[]): { events: SocketEventColumns; bad: number } {
  const events = createColumns(SOCKET_EVENT_COLUMNS);
  const bytes = ringOf(...records);
  return { bad: decodeSocketEvents(bytes, bytes.length, events), events };
}

function snapshot(...records: readonly Buffer[]) {
  const sockets = createColumns(SOCKET_COLUMNS);
  const holders = createColumns(HOLDER_COLUMNS);
  const bytes = Buffer.concat(records);
  return { bad: decodeSnapshot(bytes, bytes.length, 5_000_000, sockets, holders), sockets, holders };
}

test('decodeSocketEvents() reads every field of an event', () => {
  const { events, bad } = decode(socketEvent(SEEN));
  assert.deepEqual([events.count, bad], [1, 0]);
  const { key, ...columns } = events;
  const row = Object.entries(columns).flatMap(([name, column]) =>
    typeof column === 'number' ? [] : [[name, column[0]]],
  );
  assert.deepEqual(Object.fromEntries(row), {
    kind: SocketEvent.Seen,
    cookie: 0x1_0000_0002,
    atUs: 9_876_543_210,
    netns: 4_026_531_840,
    netnsCookie: 4099,
    pid: 4711,
    startTicks: 123_456,
    uid: 1000,
    cgroup: 7000,
    evidence: OwnerEvidence.Called,
    previous: OwnerEvidence.None,
    flags: SocketFlag.Outgoing,
    sequence: 0,
  });
  assert.ok(equalKeys(key, 0, makeKey(Protocol.Tcp, SEEN.local!, SEEN.remote!), 0));
});

test('decodeSocketEvents() keeps the order of the ring, and a closed socket has no tuple', () => {
  const owner = {
    ...SEEN,
    kind: SocketEvent.Owner,
    pid: 4712,
    previous: OwnerEvidence.Transfer,
    flags: SocketFlag.SentFrom,
    sequence: 0xffff_fff0,
  };
  const closed = { kind: SocketEvent.Closed, cookie: 5, atUs: 77 };
  const { events } = decode(socketEvent(SEEN), socketEvent(owner), socketEvent(closed));
  assert.deepEqual([...events.kind.subarray(0, 3)], [SocketEvent.Seen, SocketEvent.Owner, SocketEvent.Closed]);
  assert.deepEqual([events.previous[1], events.flags[1]], [OwnerEvidence.Transfer, SocketFlag.SentFrom]);
  assert.equal(events.sequence[1], 0xffff_fff0);
  assert.deepEqual([events.cookie[2], events.atUs[2], events.uid[2]], [5, 77, NO_UID]);
  assert.ok(events.key.subarray(2 * KEY_WORDS, 3 * KEY_WORDS).every((word) => word === 0));
});

test('decodeSocketEvents() writes IPv4 in one way, whatever the family of the socket', () => {
  const mapped = { ...SEEN, local: ['::ffff:192.0.2.1', 40000], remote: ['::ffff:198.51.100.9', 443] } as const;
  const v6 = { ...SEEN, local: ['2001:db8::1', 1], remote: ['2001:db8::2', 2] } as const;
  const { events } = decode(socketEvent(SEEN), socketEvent(mapped), socketEvent(v6));
  assert.ok(equalKeys(events.key, 0, events.key, KEY_WORDS));
  assert.ok(equalKeys(events.key, 2 * KEY_WORDS, makeKey(Protocol.Tcp, v6.local, v6.remote), 0));
});

test('decodeSocketEvents() keeps the interface of link-local addresses only', () => {
  const linkLocal = { ...SEEN, local: ['fe80::1', 546], remote: ['fe80::2', 547], ifindex: 3 } as const;
  const { events } = decode(socketEvent({ ...SEEN, ifindex: 3 }), socketEvent(linkLocal));
  assert.deepEqual([events.key[K_SCOPE], events.key[KEY_WORDS + K_SCOPE]], [0, 3]);
});

test('decodeSocketEvents() leaves out and counts records of another form', () => {
  const short = socketEvent(SEEN).subarray(0, 111);
  const { events, bad } = decode(short, socketEvent({ ...SEEN, kind: 9 }), socketEvent({ ...SEEN, family: 1 }));
  assert.deepEqual([events.count, bad], [0, 3]);
  const cut = ringOf(socketEvent(SEEN)).subarray(0, 100);
  assert.equal(decodeSocketEvents(cut, cut.length, events), 1);
  assert.equal(events.count, 0);
});

test('decodeSnapshot() gives a row of each for every descriptor', () => {
  const listener = { local: ['::', 80], evidence: SocketState.Listen, cookie: 8, inode: 900, netns: 7 } as const;
  const shared = [
    snapshotRecord({ ...listener, pid: 42, fd: 5 }),
    snapshotRecord({ ...listener, pid: 43, fd: 6, uid: 33 }),
  ];
  const { sockets, holders, bad } = snapshot(...shared);
  assert.deepEqual([sockets.count, holders.count, bad], [2, 2, 0]);
  assert.deepEqual(
    [sockets.inode[0], sockets.cookie[0], sockets.state[0], sockets.netns[0], sockets.source[0], sockets.uid[1]],
    [900, 8, SocketState.Listen, 7, SourceCode.Bpf, 33],
  );
  assert.deepEqual([...holders.pid.subarray(0, 2)], [42, 43]);
  assert.deepEqual(
    [holders.startTicks[1], holders.fd[1], holders.seenUs[1], holders.inode[1]],
    [430, 6, 5_000_000, 900],
  );
  assert.equal(sockets.key[0]! >>> 8, 6, 'a wildcard socket of IPv6 may serve both');
});

test('decodeSnapshot() counts a cut record and one of another family', () => {
  const record = snapshotRecord({ pid: 1, local: ['192.0.2.1', 1] });
  const { sockets, bad } = snapshot(record, snapshotRecord({ pid: 1 }), record.subarray(0, 50));
  assert.deepEqual([sockets.count, bad], [1, 2]);
});

test('decodeSocketEvents() and decodeSnapshot() survive any octets', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => {
      const events = createColumns(SOCKET_EVENT_COLUMNS);
      decodeSocketEvents(bytes, bytes.length, events);
      const { sockets } = snapshot(Buffer.from(bytes));
      assert.ok(events.count <= 5 && sockets.count <= 5);
    }),
  );
});
