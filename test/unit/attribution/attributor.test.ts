import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Answer } from '../../../src/attribution/attribute.ts';
import { Attributor, type LearnedFacts } from '../../../src/attribution/attributor.ts';
import { parseAddress } from '../../../src/core/address.ts';
import { confidence } from '../../../src/core/attribution.ts';
import { NO_UID, SocketState } from '../../../src/core/socket.ts';
import { Protocol } from '../../../src/core/tuple.ts';
import { type FlowLiteral, makeFlows, makeHolders, makeProcess, makeSockets } from '../../support/facts.ts';

const SRC = 0;
const DST = 1;
const HOST = '192.0.2.1';
const PEER = '198.51.100.9';

const NOTHING: LearnedFacts = {
  atUs: 0,
  sockets: makeSockets(),
  holders: makeHolders(),
  processes: [],
  scan: null,
  addresses: null,
};

/** An attributor of a host with the address HOST, and the last answer per (flow, side). */
function setUp() {
  const attributor = new Attributor();
  attributor.addresses.replace([parseAddress(HOST)!], [parseAddress('192.0.2.255')!]);
  const answers = new Map<string, Answer>();
  const onAnswer = (serial: number, side: number, answer: Answer): void => {
    answers.set(`${serial}/${side}`, answer);
  };
  return {
    attributor,
    of: (serial: number, side: number) => answers.get(`${serial}/${side}`),
    flows: (...literals: readonly FlowLiteral[]) => attributor.addFlows(makeFlows(...literals), onAnswer),
    answer: () => attributor.answer(onAnswer),
    observe: (facts: Partial<LearnedFacts>) => attributor.observe({ ...NOTHING, ...facts }),
  };
}

/** A complete scan; `denied`: users whose processes may not be read. */
const scan = (startedUs: number, denied: readonly number[] = [], partly: readonly number[] = []) => ({
  startedUs,
  deniedUids: denied,
  partlyDeniedUids: partly,
});

const words = (answer: Answer | undefined): string => {
  if (answer === undefined) return 'nothing';
  const sure = confidence(answer.evidence, answer.reason, answer.process !== null);
  return `${answer.process?.pid ?? answer.reason} ${answer.evidence?.match ?? '-'} ${sure}`;
};

const CLIENT = { serial: 1, src: [HOST, 40000], dst: [PEER, 443], firstUs: 1000, lastUs: 2000 } as const;
const CLIENT_SOCKET = { local: [HOST, 40000], remote: [PEER, 443], inode: 77, cookie: 5 } as const;

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
  t.flows(CLIENT);
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
  assert.deepEqual(answer?.holders.map((p) => p.pid).sort(), [42, 43]);
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

const SERVED = { serial: 2, src: [PEER, 5555], dst: [HOST, 80], firstUs: 1000, lastUs: 1100 } as const;
const LISTENER = { local: ['0.0.0.0', 80], inode: 8, cookie: 2, state: SocketState.Listen } as const;

test('Attributor names the holder of a listener when it never forked', () => {
  const t = setUp();
  t.observe({ atUs: 1050, processes: [makeProcess(7)] });
  t.observe({ sockets: makeSockets({ ...LISTENER, seenUs: 1050 }) });
  t.observe({ holders: makeHolders([8, 7, 1050]) });
  t.flows({ ...SERVED, state: 'new-and-ended' });
  t.answer();
  assert.equal(words(t.of(2, DST)), '7 listener likely');
});

test('Attributor names nobody for a listener whose holder has forked: a child may have accepted', () => {
  const t = setUp();
  t.observe({ atUs: 1050, processes: [makeProcess(7, { forked: true })] });
  t.observe({ sockets: makeSockets({ ...LISTENER, seenUs: 1050 }) });
  t.observe({ holders: makeHolders([8, 7, 1050]) });
  t.flows({ ...SERVED, state: 'new-and-ended' });
  t.answer();
  assert.equal(words(t.of(2, DST)), 'ambiguous listener ambiguous');
});

test('Attributor remembers that a process forked, also when its child is gone', () => {
  const t = setUp();
  t.observe({ atUs: 900, processes: [makeProcess(7, { forked: true })] });
  t.observe({ atUs: 1050, processes: [makeProcess(7)] });
  t.observe({ sockets: makeSockets({ ...LISTENER, seenUs: 1050 }) });
  t.observe({ holders: makeHolders([8, 7, 1050]) });
  t.flows({ ...SERVED, state: 'new-and-ended' });
  t.answer();
  assert.equal(words(t.of(2, DST)), 'ambiguous listener ambiguous');
});

test('Attributor prefers the accepted socket to its listener', () => {
  const t = setUp();
  t.observe({ atUs: 1050, processes: [makeProcess(7, { forked: true }), makeProcess(9)] });
  t.observe({
    sockets: makeSockets(
      { ...LISTENER, seenUs: 1050 },
      { local: [HOST, 80], remote: [PEER, 5555], inode: 9, cookie: 3, seenUs: 1050 },
    ),
  });
  t.observe({ holders: makeHolders([8, 7, 1050], [9, 9, 1050]) });
  t.flows(SERVED);
  t.answer();
  assert.equal(words(t.of(2, DST)), '9 five-tuple exact');
});

const DATAGRAM = {
  serial: 3,
  protocol: Protocol.Udp,
  src: [PEER, 5555],
  dst: [HOST, 53],
  firstUs: 1000,
  lastUs: 1100,
} as const;

test('Attributor scores UDP sockets as the kernel does: connected, bound, wildcard', () => {
  const sockets = [
    { protocol: Protocol.Udp, local: ['::', 53], inode: 14, cookie: 14, seenUs: 1050 },
    { protocol: Protocol.Udp, local: ['0.0.0.0', 53], inode: 13, cookie: 13, seenUs: 1050 },
    { protocol: Protocol.Udp, local: [HOST, 53], inode: 12, cookie: 12, seenUs: 1050 },
    { protocol: Protocol.Udp, local: [HOST, 53], remote: [PEER, 5555], inode: 11, cookie: 11, seenUs: 1050 },
  ] as const;
  const expected = ['14 wildcard likely', '13 wildcard likely', '12 bound likely', '11 five-tuple exact'];
  for (let n = 1; n <= sockets.length; n++) {
    const t = setUp();
    t.observe({ processes: [11, 12, 13, 14].map((pid) => makeProcess(pid)) });
    t.observe({ sockets: makeSockets(...sockets.slice(0, n)) });
    t.observe({ holders: makeHolders([11, 11, 1050], [12, 12, 1050], [13, 13, 1050], [14, 14, 1050]) });
    t.flows(DATAGRAM);
    t.answer();
    assert.equal(words(t.of(3, DST)), expected[n - 1]);
  }
});

test('Attributor finds two UDP sockets on one port (SO_REUSEPORT) ambiguous', () => {
  const t = setUp();
  t.observe({ processes: [makeProcess(1), makeProcess(2)] });
  t.observe({
    sockets: makeSockets(
      { protocol: Protocol.Udp, local: ['0.0.0.0', 53], inode: 1, cookie: 1, seenUs: 1050 },
      { protocol: Protocol.Udp, local: ['0.0.0.0', 53], inode: 2, cookie: 2, seenUs: 1050 },
    ),
  });
  t.observe({ holders: makeHolders([1, 1, 1050], [2, 2, 1050]) });
  t.flows(DATAGRAM);
  t.answer();
  assert.equal(words(t.of(3, DST)), 'ambiguous wildcard ambiguous');
});

test('Attributor passes over sockets bound to another interface', () => {
  const t = setUp();
  const flows = makeFlows(DATAGRAM);
  flows.ifindex[0] = 2;
  t.observe({
    sockets: makeSockets({
      protocol: Protocol.Udp,
      local: ['0.0.0.0', 53],
      inode: 1,
      cookie: 1,
      seenUs: 1050,
      boundIfindex: 3,
    }),
  });
  const answers: Answer[] = [];
  t.attributor.addFlows(flows, () => {});
  t.attributor.answer((_, __, answer) => answers.push(answer));
  assert.deepEqual(
    answers.map((a) => a.reason),
    ['no-socket'],
  );
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

test('Attributor gives ICMP echo replies and errors to the kernel, requests to the ping socket', () => {
  const t = setUp();
  t.observe({ atUs: 1050, processes: [makeProcess(6)] });
  t.observe({
    sockets: makeSockets({
      protocol: Protocol.Icmp,
      local: ['0.0.0.0', 99],
      inode: 6,
      seenUs: 1050,
      state: SocketState.Close,
    }),
  });
  t.observe({ holders: makeHolders([6, 6, 1050]) });
  const icmp = { protocol: Protocol.Icmp, firstUs: 1000, lastUs: 1100 } as const;
  t.flows(
    { ...icmp, serial: 6, src: [HOST, 99], dst: [PEER, 0] },
    { ...icmp, serial: 7, src: [PEER, 5], dst: [HOST, 0] },
    { ...icmp, serial: 8, src: [HOST, 0], dst: [PEER, 0] },
  );
  t.answer();
  assert.equal(words(t.of(6, SRC)), '6 icmp-id likely');
  assert.equal(words(t.of(7, DST)), 'kernel - unknown');
  assert.equal(words(t.of(8, SRC)), 'kernel - unknown');
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

test('Attributor tells a reused pid from the process that had it before', () => {
  const t = setUp();
  t.observe({ atUs: 1000, processes: [makeProcess(42, { comm: 'old' })] });
  t.observe({ atUs: 1500, processes: [makeProcess(42, { comm: 'new', startTicks: 9999 })] });
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
