/** Sockets that several processes have, one after the other or together. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SourceCode } from '../../../src/core/socket.ts';
import { Protocol } from '../../../src/core/tuple.ts';
import { DST, HOST, PEER, roles, SRC, setUp, words } from '../../support/attributor.ts';
import { makeHolders, makeOwners, makeProcess, makeSockets } from '../../support/facts.ts';

const T = 5_000_000; // first packet
const CLIENT = { serial: 1, src: [HOST, 40000], dst: [PEER, 443], firstUs: T, lastUs: T + 900 } as const;
const CLIENT_SOCKET = { local: [HOST, 40000], remote: [PEER, 443], inode: 0, source: SourceCode.Bpf } as const;
const PROCESSES = [41, 42, 43].map((pid) => makeProcess(pid));

/** An attributor that knows three processes. */
function start() {
  const t = setUp();
  t.observe({ atUs: T - 9, processes: PROCESSES });
  return t;
}

test('Attributor gives each part of a flow whose socket was passed on to the process of its time', () => {
  const t = start();
  const owners = makeOwners(
    { cookie: 5, pid: 41, evidence: 'Transfer', fromUs: T + 5 },
    { cookie: 5, pid: 42, evidence: 'Transfer', fromUs: T + 2000 },
  );
  t.observe({ sockets: makeSockets({ ...CLIENT_SOCKET, cookie: 5, seenUs: T - 2 }), owners });
  t.flows(
    { ...CLIENT, state: 'new-and-ended', srcCookie: 5 },
    { ...CLIENT, serial: 2, firstUs: T + 2001, lastUs: T + 3000, srcCookie: 5 },
  );
  t.answer();
  assert.equal(words(t.of(1, SRC)), '41 cookie exact');
  assert.equal(words(t.of(2, SRC)), '42 cookie exact');
  const [latest, earlier] = t.of(2, SRC)!.holders;
  assert.deepEqual([latest?.process.pid, latest?.fromUs, latest?.toUs], [42, T + 2000, T + 3000]);
  assert.deepEqual([earlier?.process.pid, earlier?.fromUs, earlier?.toUs], [41, T + 5, T + 2000]);
});

test('Attributor names who got a socket by SCM_RIGHTS before the first octet, not who opened and holds it', () => {
  const t = start();
  t.observe({
    sockets: makeSockets({ ...CLIENT_SOCKET, inode: 70, cookie: 5, seenUs: T - 2 }),
    owners: makeOwners(
      { cookie: 5, pid: 41, evidence: 'Created', fromUs: T - 90 },
      { cookie: 5, pid: 41, evidence: 'Called', fromUs: T - 2 },
      { cookie: 5, pid: 42, evidence: 'Transfer', fromUs: T + 400 },
    ),
    holders: makeHolders([70, 41, T + 1], [70, 42, T + 1]),
  });
  t.flows(CLIENT);
  t.answer();
  assert.equal(words(t.of(1, SRC)), '42 cookie exact');
  assert.deepEqual(roles(t.of(1, SRC)), ['42 actor', '41 creator']);
  assert.equal(t.of(1, SRC)?.evidence?.holders, 2);
});

test('Attributor takes a name back when another process turns out to have acted in the same flow', () => {
  const t = start();
  t.observe({
    sockets: makeSockets({ ...CLIENT_SOCKET, cookie: 5, seenUs: T - 2 }),
    owners: makeOwners({ cookie: 5, pid: 41, evidence: 'Transfer', fromUs: T + 5 }),
  });
  t.flows({ ...CLIENT, srcCookie: 5 });
  t.answer();
  t.observe({ owners: makeOwners({ cookie: 5, pid: 42, evidence: 'Transfer', fromUs: T + 500 }) });
  t.answer();
  t.answer();
  assert.deepEqual(t.given.slice(-2), ['1/0 41 cookie exact', '1/0 ambiguous cookie ambiguous']);
  assert.deepEqual(roles(t.of(1, SRC)), ['42 actor', '41 actor']);
});

test('Attributor lists all receivers of a multicast and names one only when it is alone', () => {
  const group = { protocol: Protocol.Udp, local: ['239.1.2.3', 500], remote: [PEER, 7] } as const;
  const flow = { serial: 1, protocol: Protocol.Udp, src: [PEER, 7], dst: ['239.1.2.3', 500] } as const;
  const t = start();
  t.observe({
    sockets: makeSockets({ ...group, inode: 0, cookie: 5, seenUs: T + 5, source: SourceCode.Bpf }),
    owners: makeOwners({ cookie: 5, pid: 41, evidence: 'Transfer', fromUs: T + 9 }),
  });
  t.flows({ ...flow, firstUs: T, lastUs: T + 50 });
  t.answer();
  assert.equal(words(t.of(1, DST)), '41 cookie exact');
  t.observe({
    sockets: makeSockets({ ...group, inode: 0, cookie: 6, seenUs: T + 6, source: SourceCode.Bpf }),
    owners: makeOwners({ cookie: 6, pid: 42, evidence: 'Transfer', fromUs: T + 9 }),
  });
  t.answer();
  assert.equal(words(t.of(1, DST)), 'ambiguous cookie ambiguous');
  assert.deepEqual(roles(t.of(1, DST)).sort(), ['41 actor', '42 actor']);
});

test('Attributor names who sends on a port that an answer reached after the socket before was closed', () => {
  const t = start();
  t.observe({
    sockets: makeSockets({ ...CLIENT_SOCKET, protocol: Protocol.Udp, cookie: 5, seenUs: T + 700_000 }),
    owners: makeOwners(
      { cookie: 5, pid: 41, evidence: 'Called', fromUs: T + 700_000 },
      { cookie: 5, pid: 42, evidence: 'Transfer', fromUs: T + 700_052 },
    ),
  });
  t.flows({ ...CLIENT, protocol: Protocol.Udp, lastUs: T + 700_090 });
  t.answer();
  assert.equal(words(t.of(1, SRC)), '42 cookie exact');
});
