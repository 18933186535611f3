/** Flows joined with what kernel events told of sockets: the traps that tuples, forks and pids lay. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SocketState, SourceCode } from '../../../src/core/socket.ts';
import { Protocol } from '../../../src/core/tuple.ts';
import { DST, HOST, PEER, roles, SRC, scan, setUp, words } from '../../support/attributor.ts';
import { makeClosed, makeHolders, makeOwners, makeProcess, makeSockets } from '../../support/facts.ts';

const T = 5_000_000; // first packet
const CLIENT = { serial: 1, src: [HOST, 40000], dst: [PEER, 443], firstUs: T, lastUs: T + 900 } as const;
const CLIENT_SOCKET = { local: [HOST, 40000], remote: [PEER, 443], inode: 0, source: SourceCode.Bpf } as const;
const SERVED = { serial: 2, src: [PEER, 5555], dst: [HOST, 80], firstUs: T, lastUs: T + 900 } as const;
const ACCEPTED = { local: [HOST, 80], remote: [PEER, 5555], inode: 0, source: SourceCode.Bpf } as const;
const PROCESSES = [41, 42, 43].map((pid) => makeProcess(pid));

/** An attributor that knows three processes. */
function start() {
  const t = setUp();
  t.observe({ atUs: T - 9, processes: PROCESSES });
  return t;
}

test('Attributor names who sent and received, by the cookie that the flow table knows', () => {
  const t = start();
  t.observe({ owners: makeOwners({ cookie: 5, pid: 42, evidence: 'Transfer', fromUs: T + 9 }) });
  t.observe({ sockets: makeSockets({ ...CLIENT_SOCKET, cookie: 5, seenUs: T - 2 }) });
  t.flows({ ...CLIENT, srcCookie: 5 });
  t.answer();
  assert.equal(words(t.of(1, SRC)), '42 cookie exact');
  assert.deepEqual([t.of(1, SRC)?.evidence?.source, t.of(1, SRC)?.evidence?.gapUs], ['bpf', 0]);
});

test('Attributor finds the cookie by the tuple where the flow table does not know it', () => {
  const t = start();
  t.flows(CLIENT);
  t.answer();
  t.observe({ sockets: makeSockets({ ...CLIENT_SOCKET, cookie: 5, seenUs: T - 2 }) });
  t.answer();
  t.observe({ owners: makeOwners({ cookie: 5, pid: 42, evidence: 'Transfer', fromUs: T + 9 }) });
  t.answer();
  assert.equal(words(t.of(1, SRC)), '42 cookie exact');
  assert.equal(t.of(1, SRC)?.socket, 0);
});

test('Attributor takes a cookie that a later row of the flow brings, and one of which no socket is known', () => {
  const t = start();
  t.flows(CLIENT);
  t.answer();
  t.observe({ owners: makeOwners({ cookie: 5, pid: 42, evidence: 'Transfer', fromUs: T + 9 }) });
  t.flows({ ...CLIENT, state: 'living', srcCookie: 5 });
  t.answer();
  assert.equal(words(t.of(1, SRC)), '42 cookie exact');
  assert.equal(t.of(1, SRC)?.socket, -1);
});

test('Attributor replaces who connected by who is seen to transfer', () => {
  const t = start();
  t.observe({ sockets: makeSockets({ ...CLIENT_SOCKET, cookie: 5, seenUs: T - 2 }) });
  t.observe({ owners: makeOwners({ cookie: 5, pid: 41, evidence: 'Called', fromUs: T - 2 }), atUs: T });
  t.flows({ ...CLIENT, state: 'new-and-ended' });
  t.answer();
  assert.equal(words(t.of(1, SRC)), '41 cookie exact');
  t.observe({ owners: makeOwners({ cookie: 5, pid: 42, evidence: 'Transfer', fromUs: T + 9 }) });
  t.answer();
  assert.equal(words(t.of(1, SRC)), '42 cookie exact');
  assert.deepEqual(roles(t.of(1, SRC)), ['42 actor', '41 creator']);
});

test('Attributor prefers the accepted socket to the listener, whose cookie the SYN showed', () => {
  const t = start();
  t.observe({
    sockets: makeSockets(
      { ...ACCEPTED, cookie: 8, seenUs: T + 3 },
      { local: ['0.0.0.0', 80], inode: 80, cookie: 8, state: SocketState.Listen, seenUs: T, source: SourceCode.Bpf },
      { ...ACCEPTED, cookie: 9, seenUs: T + 300 },
    ),
    owners: makeOwners(
      { cookie: 8, pid: 41, evidence: 'Created', fromUs: T - 500 },
      { cookie: 9, pid: 42, evidence: 'Transfer', fromUs: T + 500 },
    ),
  });
  t.flows(SERVED);
  t.answer();
  assert.equal(words(t.of(2, DST)), '42 cookie exact');
  t.flows({ ...SERVED, serial: 3, dstCookie: 8 });
  t.answer();
  assert.equal(words(t.of(3, DST)), '42 cookie exact', 'also where the flow table took the listener’s');
});

test('Attributor gives two flows of one tuple to the sockets of their times', () => {
  const t = start();
  const udp = { ...CLIENT, protocol: Protocol.Udp, state: 'new-and-ended' } as const;
  const socket = { ...CLIENT_SOCKET, protocol: Protocol.Udp } as const;
  t.observe({
    sockets: makeSockets({ ...socket, cookie: 5, seenUs: T - 2 }, { ...socket, cookie: 6, seenUs: T + 4998 }),
    owners: makeOwners(
      { cookie: 5, pid: 42, evidence: 'Called', fromUs: T - 2 },
      { cookie: 6, pid: 43, evidence: 'Called', fromUs: T + 4998 },
    ),
    closed: makeClosed([5, T + 1000], [6, T + 6000]),
  });
  t.flows(udp, { ...udp, serial: 2, firstUs: T + 5000, lastUs: T + 5000 });
  t.answer();
  assert.equal(words(t.of(1, SRC)), '42 cookie exact');
  assert.equal(words(t.of(2, SRC)), '43 cookie exact');
});

test('Attributor names the child of a fork server, not the parent that closed the socket', () => {
  const t = start();
  t.observe({
    sockets: makeSockets({ ...ACCEPTED, cookie: 9, seenUs: T + 300 }),
    owners: makeOwners(
      { cookie: 9, pid: 42, evidence: 'Transfer', fromUs: T + 500 },
      { cookie: 9, pid: 41, evidence: 'State', fromUs: T + 850 },
    ),
  });
  t.flows({ ...SERVED, state: 'new-and-ended' });
  t.answer();
  assert.equal(words(t.of(2, DST)), '42 cookie exact');
});

test('Attributor names who closed or created a socket only as likely, and not when it has forked', () => {
  const t = start();
  t.observe({ processes: [makeProcess(44, { forked: true })] });
  t.observe({
    sockets: makeSockets({ ...ACCEPTED, cookie: 9, seenUs: T + 300 }, { ...CLIENT_SOCKET, cookie: 5, seenUs: T - 2 }),
    owners: makeOwners(
      { cookie: 9, pid: 42, evidence: 'State', fromUs: T + 600 },
      { cookie: 5, pid: 44, evidence: 'Created', fromUs: T - 30 },
    ),
  });
  t.flows(SERVED, CLIENT);
  t.answer();
  assert.equal(words(t.of(2, DST)), '42 cookie likely');
  assert.equal(words(t.of(1, SRC)), 'closed-before-scan cookie unknown');
});

test('Attributor joins an IPv4 flow with the socket of both families that serves it', () => {
  const t = start();
  const mapped = { ...ACCEPTED, local: [HOST, 80], cookie: 9, seenUs: T + 3 } as const;
  t.observe({
    sockets: makeSockets(mapped),
    owners: makeOwners({ cookie: 9, pid: 42, evidence: 'Transfer', fromUs: T + 5 }),
  });
  t.flows(SERVED);
  t.answer();
  assert.equal(words(t.of(2, DST)), '42 cookie exact');
});

test('Attributor never gives a flow to the next process with the same pid', () => {
  const t = start();
  t.observe({ processes: [makeProcess(42, { startTicks: 9999, comm: 'next' })] });
  t.observe({
    sockets: makeSockets({ ...CLIENT_SOCKET, cookie: 5, seenUs: T - 2 }, { ...ACCEPTED, cookie: 9, seenUs: T }),
    owners: makeOwners(
      { cookie: 5, pid: 42, evidence: 'Transfer', fromUs: T + 5 },
      { cookie: 9, pid: 42, startTicks: 9999, evidence: 'Transfer', fromUs: T + 5 },
    ),
  });
  t.flows(CLIENT, SERVED);
  t.answer();
  assert.deepEqual([t.of(1, SRC)?.process?.comm, t.of(2, DST)?.process?.comm], ['p42', 'next']);
});

test('Attributor says nothing of an owner whose process it does not know', () => {
  const t = start();
  t.observe({
    sockets: makeSockets({ ...CLIENT_SOCKET, cookie: 5, seenUs: T - 2 }),
    owners: makeOwners({ cookie: 5, pid: 42, startTicks: 777, evidence: 'Transfer', fromUs: T + 5 }),
    holders: makeHolders([70, 41, T]),
  });
  t.flows(CLIENT);
  t.answer();
  assert.equal(words(t.of(1, SRC)), 'closed-before-scan cookie unknown');
  assert.equal(t.of(1, SRC)?.program?.uid, 1000);
});

test('Attributor names the former owner of a connection that is closed, as likely', () => {
  const t = start();
  t.observe({
    sockets: makeSockets({ ...CLIENT_SOCKET, cookie: 5, seenUs: T - 90_000_000 }),
    owners: makeOwners({ cookie: 5, pid: 42, evidence: 'Transfer', fromUs: T - 89_000_000 }),
    closed: makeClosed([5, T - 60_000_000]),
  });
  t.flows({ ...CLIENT, state: 'new-and-ended' });
  t.answer();
  assert.equal(words(t.of(1, SRC)), '42 cookie likely');
  assert.equal(t.of(1, SRC)?.evidence?.gapUs, 60_000_000);
});

test('Attributor names no former owner for a datagram, whose port is free at once', () => {
  const t = start();
  t.observe({
    sockets: makeSockets({ ...CLIENT_SOCKET, protocol: Protocol.Udp, cookie: 5, seenUs: T - 2_000_000 }),
    owners: makeOwners({ cookie: 5, pid: 42, evidence: 'Transfer', fromUs: T - 2_000_000 }),
    closed: makeClosed([5, T - 1_000_000]),
  });
  t.flows({ ...CLIENT, protocol: Protocol.Udp });
  t.answer();
  assert.equal(words(t.of(1, SRC)), 'no-socket - unknown');
});

test('Attributor keeps what holds an open socket as long as it is listed, and its process', () => {
  const t = start();
  const listed = (seenUs: number) => makeSockets({ ...CLIENT_SOCKET, inode: 70, cookie: 5, seenUs });
  t.observe({ sockets: listed(T), owners: makeOwners({ cookie: 5, pid: 42, evidence: 'Transfer', fromUs: T }) });
  const hour = 3_600_000_000;
  for (let us = T; us < T + 8 * hour; us += hour / 2) {
    t.observe({ atUs: us, sockets: listed(us) });
    t.attributor.forget(us, () => {});
  }
  t.flows({ ...CLIENT, firstUs: T + 8 * hour, lastUs: T + 8 * hour });
  t.answer();
  assert.equal(words(t.of(1, SRC)), '42 cookie exact');
  t.observe({ closed: makeClosed([5, T + 8 * hour]) });
  t.attributor.forget(T + 9 * hour, () => {});
  const { sockets, owners, processes } = t.attributor;
  assert.deepEqual([sockets.size, owners.size, processes.size], [0, 0, 0]);
});

test('Attributor settles an end when its owner has acted, or when later facts say nothing else', () => {
  const t = start();
  t.observe({
    sockets: makeSockets({ ...CLIENT_SOCKET, cookie: 5, seenUs: T - 2 }, { ...ACCEPTED, cookie: 9, seenUs: T }),
    owners: makeOwners(
      { cookie: 5, pid: 42, evidence: 'Called', fromUs: T - 2 },
      { cookie: 9, pid: 42, evidence: 'Transfer', fromUs: T + 5 },
    ),
    atUs: T + 1000,
  });
  t.flows({ ...CLIENT, state: 'new-and-ended' }, { ...SERVED, state: 'new-and-ended' });
  t.answer();
  const waiting = (serial: number) => t.attributor.pending.firstOf(serial) !== -1;
  const local = (serial: number, side: number) => words(t.of(serial, side));
  assert.deepEqual([local(1, SRC), local(2, DST)], ['42 cookie exact', '42 cookie exact']);
  assert.ok(waiting(1));
  t.attributor.forget(T + 20_000_000, () => {});
  assert.deepEqual([waiting(1), waiting(2)], [false, false]);
});

test('Attributor calls a told socket that no process has the kernel’s, once all were listed', () => {
  const t = start();
  t.observe({ sockets: makeSockets({ ...CLIENT_SOCKET, cookie: 5, seenUs: T - 2 }) });
  t.flows(CLIENT);
  t.answer();
  assert.equal(words(t.of(1, SRC)), 'closed-before-scan cookie unknown');
  t.observe({ scan: { ...scan(T + 5000), isSnapshot: true } });
  t.answer();
  assert.equal(words(t.of(1, SRC)), 'kernel cookie unknown');
});

test('Attributor blames lost events on flows of their time alone', () => {
  const t = start();
  t.flows(CLIENT, { ...CLIENT, serial: 2, firstUs: T + 9000, lastUs: T + 9500 });
  t.answer();
  assert.equal(words(t.of(1, SRC)), 'no-socket - unknown');
  t.observe({ lost: { fromUs: T + 800, toUs: T + 5000 } });
  t.answer();
  assert.equal(words(t.of(1, SRC)), 'overflow - unknown');
  assert.equal(words(t.of(2, SRC)), 'no-socket - unknown');
});

test('Attributor names the process of a multipath connection, whose packets are those of a subflow that nobody uses', () => {
  const t = start();
  const subflow = { ...ACCEPTED, cookie: 5, seenUs: T - 2 };
  t.observe({ sockets: makeSockets(subflow, { ...ACCEPTED, cookie: 6, seenUs: T + 100 }) });
  t.observe({ owners: makeOwners({ cookie: 5, pid: 43, evidence: 'State', fromUs: T + 800 }) }); // it closes both
  t.observe({ owners: makeOwners({ cookie: 6, pid: 42, evidence: 'Transfer', fromUs: T + 100 }) });
  t.flows({ ...SERVED, dstCookie: 5 });
  t.answer();
  assert.equal(words(t.of(2, DST)), '42 cookie exact');
});

test('Attributor does not give a connection that nobody used to the next one on its tuple', () => {
  const t = start();
  t.observe({ sockets: makeSockets({ ...ACCEPTED, cookie: 5, seenUs: T - 2 }) });
  t.observe({ closed: makeClosed([5, T + 950]) });
  t.observe({ sockets: makeSockets({ ...ACCEPTED, cookie: 6, seenUs: T + 1000 }) });
  t.observe({ owners: makeOwners({ cookie: 6, pid: 42, evidence: 'Transfer', fromUs: T + 1100 }) });
  t.flows({ ...SERVED, dstCookie: 5, state: 'new-and-ended' });
  t.answer();
  assert.equal(t.of(2, DST)?.process, null);
});
