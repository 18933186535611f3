import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NO_UID, SocketState } from '../../../src/core/socket.ts';
import { Protocol } from '../../../src/core/tuple.ts';
import { DST, HOST, PEER, SRC, scan, setUp, words } from '../../support/attributor.ts';
import { makeHolders, makeProcess, makeSockets } from '../../support/facts.ts';

const CLIENT = { serial: 1, src: [HOST, 40000], dst: [PEER, 443], firstUs: 1000, lastUs: 2000 } as const;
const CLIENT_SOCKET = { local: [HOST, 40000], remote: [PEER, 443], inode: 77, cookie: 5 } as const;

const SERVED = { serial: 2, src: [PEER, 5555], dst: [HOST, 80], firstUs: 1000, lastUs: 1100 } as const;

test('Attributor names the only holder of the socket on the five-tuple', () => {
  const t = setUp();
  t.observe({ atUs: 1500, processes: [makeProcess(42)] });
  t.observe({ sockets: makeSockets({ ...CLIENT_SOCKET, seenUs: 1500 }) });
  t.observe({ holders: makeHolders([77, 42, 1600]) });
  t.flows(CLIENT);
  t.answer();
  assert.equal(words(t.of(1, SRC)), '42 five-tuple exact');
  assert.equal(words(t.of(1, DST)), 'not-local - unknown');
});

test('Attributor answers again when facts come after the flow', () => {
  const t = setUp();
  t.flows(CLIENT);
  t.answer();
  assert.equal(words(t.of(1, SRC)), 'no-socket - unknown');
  t.observe({ sockets: makeSockets({ ...CLIENT_SOCKET, seenUs: 1500 }) });
  t.answer();
  assert.equal(words(t.of(1, SRC)), 'closed-before-scan five-tuple unknown');
  assert.equal(t.of(1, SRC)?.program?.uid, 1000, 'the uid of the socket is known before its holder');
  t.observe({ atUs: 1800, processes: [makeProcess(42)] });
  t.observe({ holders: makeHolders([77, 42, 1800]) });
  t.answer();
  assert.equal(words(t.of(1, SRC)), '42 five-tuple exact');
});

test('Attributor never replaces an answer by a weaker one', () => {
  const t = setUp();
  t.observe({ atUs: 1500, processes: [makeProcess(42), makeProcess(43)] });
  t.observe({ sockets: makeSockets({ ...CLIENT_SOCKET, seenUs: 1500 }) });
  t.observe({ holders: makeHolders([77, 42, 1600]) });
  t.flows({ ...CLIENT, state: 'new-and-ended' });
  t.answer();
  t.observe({ holders: makeHolders([77, 43, 1700]) });
  t.observe({ scan: scan(3000) });
  t.answer();
  assert.equal(words(t.of(1, SRC)), '42 five-tuple exact');
});

test('Attributor lists all holders of a shared socket and names none', () => {
  const t = setUp();
  t.observe({ atUs: 1500, processes: [makeProcess(42), makeProcess(43, { exe: '/usr/bin/p42' })] });
  t.observe({ sockets: makeSockets({ ...CLIENT_SOCKET, seenUs: 1500 }) });
  t.observe({ holders: makeHolders([77, 42, 1600], [77, 43, 1600]) });
  t.flows(CLIENT);
  t.answer();
  const answer = t.of(1, SRC);
  assert.equal(words(answer), 'ambiguous five-tuple ambiguous');
  assert.deepEqual(answer?.holders.map(({ process }) => process.pid).sort(), [42, 43]);
  assert.equal(answer?.program?.exe, '/usr/bin/p42', 'what all holders agree on is kept');
});

test('Attributor does not take a connection seen after the end for the one that ended', () => {
  const t = setUp();
  t.observe({ atUs: 9000, processes: [makeProcess(42)] });
  t.flows({ ...CLIENT, state: 'new-and-ended' });
  t.observe({ sockets: makeSockets({ ...CLIENT_SOCKET, seenUs: 9000 }) });
  t.observe({ holders: makeHolders([77, 42, 9000]) });
  t.answer();
  assert.equal(words(t.of(1, SRC)), 'no-socket - unknown');
});

test('Attributor does not take a socket of an earlier flow on the same tuple', () => {
  const t = setUp();
  t.observe({ atUs: 500, processes: [makeProcess(42)] });
  t.observe({ sockets: makeSockets({ ...CLIENT_SOCKET, seenUs: 500 }) });
  t.observe({ holders: makeHolders([77, 42, 500]) });
  t.flows(CLIENT);
  t.answer();
  assert.equal(words(t.of(1, SRC)), 'no-socket - unknown');
});

test('Attributor keeps the inode of a connection that became TIME_WAIT, and never its uid 0', () => {
  const t = setUp();
  t.observe({ atUs: 900, processes: [makeProcess(42)] });
  t.observe({ holders: makeHolders([77, 42, 1000]) });
  t.observe({ sockets: makeSockets({ ...CLIENT_SOCKET, seenUs: 1000 }) });
  const closed = { ...CLIENT_SOCKET, inode: 0, uid: NO_UID, state: SocketState.TimeWait, seenUs: 3000 };
  t.observe({ sockets: makeSockets(closed) });
  t.flows({ ...CLIENT, state: 'new-and-ended' });
  t.answer();
  assert.equal(words(t.of(1, SRC)), '42 five-tuple exact');
});

test('Attributor gives a TIME_WAIT socket of unknown origin no user', () => {
  const t = setUp();
  t.observe({
    sockets: makeSockets({ ...CLIENT_SOCKET, inode: 0, uid: NO_UID, state: SocketState.TimeWait, seenUs: 2500 }),
  });
  t.flows({ ...CLIENT, state: 'new-and-ended' });
  t.answer();
  assert.equal(words(t.of(1, SRC)), 'closed-before-scan five-tuple unknown');
  assert.equal(t.of(1, SRC)?.program, null);
});

test('Attributor names both ends on loopback', () => {
  const t = setUp();
  t.observe({ atUs: 1050, processes: [makeProcess(1), makeProcess(2)] });
  t.observe({
    sockets: makeSockets(
      { local: ['127.0.0.1', 4000], remote: ['127.0.0.1', 80], inode: 1, cookie: 1, seenUs: 1050 },
      { local: ['127.0.0.1', 80], remote: ['127.0.0.1', 4000], inode: 2, cookie: 2, seenUs: 1050 },
    ),
  });
  t.observe({ holders: makeHolders([1, 1, 1050], [2, 2, 1050]) });
  t.flows({ serial: 4, src: ['127.0.0.1', 4000], dst: ['127.0.0.1', 80], firstUs: 1000, lastUs: 1100 });
  t.answer();
  assert.equal(words(t.of(4, SRC)), '1 five-tuple exact');
  assert.equal(words(t.of(4, DST)), '2 five-tuple exact');
});

test('Attributor calls a flow between two other hosts forwarded', () => {
  const t = setUp();
  t.flows({ serial: 5, src: [PEER, 1], dst: ['203.0.113.7', 2], firstUs: 1, lastUs: 2 });
  assert.equal(words(t.of(5, SRC)), 'forwarded - unknown');
  assert.equal(words(t.of(5, DST)), 'forwarded - unknown');
});

test('Attributor says no-permission when the uid has processes that may not be read', () => {
  const t = setUp();
  t.flows(CLIENT);
  t.observe({ sockets: makeSockets({ ...CLIENT_SOCKET, uid: 33, seenUs: 1500 }) });
  t.observe({ scan: scan(1600, [33]) });
  t.answer();
  assert.equal(words(t.of(1, SRC)), 'no-permission five-tuple unknown');
  assert.equal(t.of(1, SRC)?.program?.uid, 33);
});

test('Attributor says no-permission of a connection that was seen only before it was accepted', () => {
  const t = setUp();
  t.flows(CLIENT);
  t.observe({
    sockets: makeSockets({ ...CLIENT_SOCKET, inode: 0, uid: 33, state: SocketState.SynRecv, seenUs: 1500 }),
  });
  t.observe({ scan: scan(1600, [33]) });
  t.answer();
  assert.equal(words(t.of(1, SRC)), 'no-permission five-tuple unknown');
});

test('Attributor blames a missing right on a socket of a partly readable user only while it is open', () => {
  const t = setUp();
  t.flows(CLIENT);
  t.observe({ sockets: makeSockets({ ...CLIENT_SOCKET, uid: 0, seenUs: 1500 }) });
  t.observe({ scan: scan(1600, [], [0]) });
  t.answer();
  assert.equal(words(t.of(1, SRC)), 'closed-before-scan five-tuple unknown');
  t.observe({ sockets: makeSockets({ ...CLIENT_SOCKET, uid: 0, seenUs: 1700 }) });
  t.observe({ scan: scan(1650, [], [0]) });
  t.answer();
  assert.equal(words(t.of(1, SRC)), 'no-permission five-tuple unknown');
});

test('Attributor calls a socket that outlives a complete scan without a holder the kernel’s', () => {
  const t = setUp();
  t.flows(CLIENT);
  t.observe({ sockets: makeSockets({ ...CLIENT_SOCKET, uid: 0, seenUs: 1500 }) });
  t.observe({ scan: scan(1600, []) });
  t.answer();
  assert.equal(words(t.of(1, SRC)), 'closed-before-scan five-tuple unknown');
  t.observe({ sockets: makeSockets({ ...CLIENT_SOCKET, uid: 0, seenUs: 5000 }) });
  t.observe({ scan: scan(6000, []) });
  t.observe({ sockets: makeSockets({ ...CLIENT_SOCKET, uid: 0, seenUs: 7000 }) });
  t.observe({ scan: scan(6500, []) });
  t.answer();
  assert.equal(words(t.of(1, SRC)), 'kernel five-tuple unknown');
});

test('Attributor does not take what is left of a closed connection for a socket of the kernel', () => {
  for (const state of [SocketState.FinWait2, SocketState.TimeWait, SocketState.LastAck]) {
    const t = setUp();
    t.observe({ sockets: makeSockets({ ...CLIENT_SOCKET, seenUs: 1500 }) });
    t.flows(CLIENT);
    t.observe({ sockets: makeSockets({ ...CLIENT_SOCKET, inode: 0, state, seenUs: 9000 }) });
    t.observe({ scan: scan(5000) });
    t.answer();
    assert.equal(words(t.of(1, SRC)), 'closed-before-scan five-tuple unknown', `state ${state}`);
  }
});

test('Attributor tells a reused pid from the process that had it before', () => {
  const t = setUp();
  t.observe({ atUs: 1000, processes: [makeProcess(42, { comm: 'old' })] });
  t.observe({ atUs: 1500, processes: [makeProcess(42, { comm: 'new', startTicks: 0 })] });
  t.observe({ sockets: makeSockets({ ...CLIENT_SOCKET, seenUs: 1500 }) });
  t.observe({ holders: makeHolders([77, 42, 1600]) });
  t.flows(CLIENT);
  t.answer();
  assert.equal(t.of(1, SRC)?.process?.comm, 'old');
});

test('Attributor forgets facts and ends that nobody can ask for any more', () => {
  const t = setUp();
  t.observe({ atUs: 1500, processes: [makeProcess(42)] });
  t.observe({ sockets: makeSockets({ ...CLIENT_SOCKET, seenUs: 1500 }) });
  t.observe({ holders: makeHolders([77, 42, 1600]) });
  t.flows({ ...SERVED, state: 'new-and-ended' });
  const gone: number[] = [];
  t.attributor.forget(400e6, (row) => gone.push(row));
  const { sockets, holders, processes, pending } = t.attributor;
  assert.deepEqual([gone.length, sockets.size, holders.size, processes.size, pending.size], [1, 0, 0, 0, 0]);
});

test('Attributor names nobody for datagrams that passed before the only holder of their port was born', () => {
  const t = setUp();
  t.observe({ atUs: 90_000, processes: [makeProcess(42, { startTicks: 9 })] });
  t.observe({
    sockets: makeSockets({ local: [HOST, 5353], inode: 77, cookie: 5, protocol: Protocol.Udp, seenUs: 91_000 }),
  });
  const holders = makeHolders([77, 42, 91_000]);
  holders.startTicks[0] = 9;
  t.observe({ holders });
  const flow = { src: [HOST, 5353], dst: [PEER, 53], protocol: Protocol.Udp, lastUs: 95_000 } as const;
  t.flows({ ...flow, serial: 1, firstUs: 50_000 }, { ...flow, dst: [PEER, 54], serial: 2, firstUs: 90_500 });
  t.answer();
  assert.equal(t.of(1, SRC)?.process, null);
  assert.equal(t.of(2, SRC)?.process?.pid, 42);
});
