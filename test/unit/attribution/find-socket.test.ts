import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Answer } from '../../../src/attribution/attribute.ts';
import { SocketState } from '../../../src/core/socket.ts';
import { Protocol } from '../../../src/core/tuple.ts';
import { DST, HOST, PEER, SRC, setUp, words } from '../../support/attributor.ts';
import { makeFlows, makeHolders, makeProcess, makeSockets } from '../../support/facts.ts';

const SERVED = { serial: 2, src: [PEER, 5555], dst: [HOST, 80], firstUs: 1000, lastUs: 1100 } as const;
const LISTENER = { local: ['0.0.0.0', 80], inode: 8, cookie: 2, state: SocketState.Listen } as const;

test('findSocket() names the holder of a listener when it never forked', () => {
  const t = setUp();
  t.observe({ atUs: 1050, processes: [makeProcess(7)] });
  t.observe({ sockets: makeSockets({ ...LISTENER, seenUs: 1050 }) });
  t.observe({ holders: makeHolders([8, 7, 1050]) });
  t.flows({ ...SERVED, state: 'new-and-ended' });
  t.answer();
  assert.equal(words(t.of(2, DST)), '7 listener likely');
});

test('findSocket() names nobody for a listener whose holder has forked: a child may have accepted', () => {
  const t = setUp();
  t.observe({ atUs: 1050, processes: [makeProcess(7, { forked: true })] });
  t.observe({ sockets: makeSockets({ ...LISTENER, seenUs: 1050 }) });
  t.observe({ holders: makeHolders([8, 7, 1050]) });
  t.flows({ ...SERVED, state: 'new-and-ended' });
  t.answer();
  assert.equal(words(t.of(2, DST)), 'ambiguous listener ambiguous');
});

test('findSocket() remembers that a process forked, also when its child is gone', () => {
  const t = setUp();
  t.observe({ atUs: 900, processes: [makeProcess(7, { forked: true })] });
  t.observe({ atUs: 1050, processes: [makeProcess(7)] });
  t.observe({ sockets: makeSockets({ ...LISTENER, seenUs: 1050 }) });
  t.observe({ holders: makeHolders([8, 7, 1050]) });
  t.flows({ ...SERVED, state: 'new-and-ended' });
  t.answer();
  assert.equal(words(t.of(2, DST)), 'ambiguous listener ambiguous');
});

test('findSocket() prefers the accepted socket to its listener', () => {
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

test('findSocket() scores UDP sockets as the kernel does: connected, bound, wildcard', () => {
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

test('findSocket() finds two UDP sockets on one port (SO_REUSEPORT) ambiguous', () => {
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

test('findSocket() passes over sockets bound to another interface', () => {
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

test('findSocket() gives ICMP echo replies and errors to the kernel, requests to the ping socket', () => {
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

test('findSocket() gives an SCTP association to the process of its endpoint, unseen ones only if it never forked', () => {
  const flow = { ...SERVED, protocol: Protocol.Sctp, state: 'new-and-ended' } as const;
  const endpoint = { ...LISTENER, protocol: Protocol.Sctp, seenUs: 1050 };
  const association = {
    ...endpoint,
    local: [HOST, 80],
    remote: [PEER, 5555],
    cookie: 3,
    state: SocketState.Established,
  } as const;
  for (const [sockets, forked, said] of [
    [[endpoint, association], true, '7 five-tuple exact'],
    [[endpoint], false, '7 listener likely'],
    [[endpoint], true, 'ambiguous listener ambiguous'],
  ] as const) {
    const t = setUp();
    t.observe({ atUs: 1050, processes: [makeProcess(7, { forked })] });
    t.observe({ sockets: makeSockets(...sockets) });
    t.observe({ holders: makeHolders([8, 7, 1050]) });
    t.flows(flow);
    t.answer();
    assert.equal(words(t.of(2, DST)), said);
  }
});
