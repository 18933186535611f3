/** Without kernel programs: datagram sockets that had a tuple one after the other, some known only by their end. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SocketState } from '../../../src/core/socket.ts';
import { Protocol } from '../../../src/core/tuple.ts';
import { DST, HOST, PEER, SRC, setUp, words } from '../../support/attributor.ts';
import { makeClosed, makeHolders, makeKey, makeProcess, makeSockets } from '../../support/facts.ts';

const T = 5_000_000;
const ANY = ['0.0.0.0', 0] as const;
const FLOW = { serial: 1, protocol: Protocol.Udp, src: [HOST, 21000], dst: [PEER, 53], firstUs: T } as const;

/** The key as the socket has it: connected, or bound to the port alone. */
const keyOf = (connected: boolean, protocol: number = Protocol.Udp): Int32Array =>
  connected ? makeKey(protocol, FLOW.src, FLOW.dst) : makeKey(protocol, [ANY[0], FLOW.src[1]], ANY);

/** Socket 7 of process 42, seen within the flow. */
function start({ connected = true, protocol = Protocol.Udp as number } = {}) {
  const t = setUp();
  const local = connected ? FLOW.src : ([ANY[0], FLOW.src[1]] as const);
  const socket = { protocol, local, ...(connected ? { remote: FLOW.dst } : {}), inode: 70, cookie: 7 };
  t.observe({
    processes: [makeProcess(42)],
    sockets: makeSockets({ ...socket, seenUs: T + 10_000 }),
    holders: makeHolders([70, 42, T + 11_000]),
  });
  return t;
}

for (const connected of [true, false])
  test(`nobody is named where a ${connected ? 'connected' : 'bound'} socket that nobody saw had the tuple before`, () => {
    const t = start({ connected });
    t.observe({ closed: makeClosed([5, T + 3000, keyOf(connected)]) });
    t.flows({ ...FLOW, lastUs: T + 12_000 });
    t.answer();
    assert.equal(words(t.of(1, SRC)).replace('five-tuple', 'wildcard'), 'ambiguous wildcard ambiguous');
    assert.equal(t.of(1, SRC)?.rule, 'sockets-in-turn');
  });

test('a name is taken back when a later socket on the tuple ends', () => {
  const t = start();
  t.flows({ ...FLOW, lastUs: T + 12_000 });
  t.answer();
  assert.equal(words(t.of(1, SRC)), '42 five-tuple exact');
  t.observe({ closed: makeClosed([7, T + 13_000], [8, T + 20_000, keyOf(true)]) });
  t.flows({ ...FLOW, lastUs: T + 19_000, state: 'living' });
  t.answer();
  assert.equal(words(t.of(1, SRC)), 'ambiguous five-tuple ambiguous');
});

test('the end of the very socket that was found takes nobody’s name', () => {
  const t = start();
  t.observe({ closed: makeClosed([7, T + 13_000, keyOf(true)]) });
  t.flows({ ...FLOW, lastUs: T + 12_000 });
  t.answer();
  assert.equal(words(t.of(1, SRC)), '42 five-tuple exact');
});

test('a socket that ended before the first packet had no part in the flow', () => {
  const t = start();
  t.observe({ closed: makeClosed([5, T - 1, keyOf(true)]) });
  t.flows({ ...FLOW, lastUs: T + 12_000 });
  t.answer();
  assert.equal(words(t.of(1, SRC)), '42 five-tuple exact');
});

test('two sockets of one process, both held by it, are that process', () => {
  const t = start();
  t.observe({
    sockets: makeSockets({
      protocol: Protocol.Udp,
      local: FLOW.src,
      remote: FLOW.dst,
      inode: 50,
      cookie: 5,
      seenUs: T,
    }),
    holders: makeHolders([50, 42, T + 1000]),
    closed: makeClosed([5, T + 3000]),
  });
  t.flows({ ...FLOW, lastUs: T + 12_000 });
  t.answer();
  assert.equal(words(t.of(1, SRC)), '42 five-tuple exact');
});

test('a connection begins with its SYN: another one before it had no part in it', () => {
  const t = start({ protocol: Protocol.Tcp });
  t.observe({ closed: makeClosed([5, T + 3000, keyOf(true, Protocol.Tcp)]) });
  t.flows({ ...FLOW, protocol: Protocol.Tcp, lastUs: T + 12_000 });
  t.answer();
  assert.equal(words(t.of(1, SRC)), '42 five-tuple exact');
});

test('of a socket that is known only by its end the user is not known, nor who had it', () => {
  for (const protocol of [Protocol.Tcp, Protocol.Udp]) {
    const t = setUp();
    t.flows({ ...FLOW, protocol, lastUs: T + 100 });
    t.answer();
    assert.equal(words(t.of(1, SRC)), 'no-socket - unknown');
    t.observe({ closed: makeClosed([5, T + 3000, keyOf(true, protocol)]) });
    t.answer();
    assert.equal(words(t.of(1, SRC)), 'closed-before-scan five-tuple unknown');
    assert.equal(t.of(1, SRC)?.program, null);
  }
});

for (const forked of [false, true])
  test(`an accepted connection that is known only by its end is of who listens, ${forked ? 'who may have left it to a child' : 'who never forked'}`, () => {
    const t = setUp();
    const listener = { protocol: Protocol.Tcp, local: FLOW.src, inode: 90, cookie: 9, state: SocketState.Listen };
    t.observe({
      processes: [makeProcess(44, { forked })],
      sockets: makeSockets({ ...listener, seenUs: T + 1000 }),
      holders: makeHolders([90, 44, T + 1000]),
      closed: makeClosed([8, T + 500, keyOf(true, Protocol.Tcp)]),
    });
    t.flows({ ...FLOW, protocol: Protocol.Tcp, src: FLOW.dst, dst: FLOW.src, lastUs: T + 400, state: 'new-and-ended' });
    t.answer();
    assert.equal(words(t.of(1, DST)), forked ? 'ambiguous listener ambiguous' : '44 listener likely');
  });

for (const isSeen of [true, false])
  test(`a connection is not that of the socket before it, whose end was heard late, when its own was seen ${isSeen ? 'late' : 'never'}`, () => {
    const t = start({ protocol: Protocol.Tcp });
    const key = keyOf(true, Protocol.Tcp);
    const flow = { ...FLOW, protocol: Protocol.Tcp, firstUs: T + 20_000, lastUs: T + 25_000 } as const;
    const next = { protocol: Protocol.Tcp, local: FLOW.src, remote: FLOW.dst, inode: 80, cookie: 8 } as const;
    const seen = makeSockets({ ...next, state: SocketState.FinWait2, seenUs: T + 26_000 });
    if (isSeen) t.observe({ processes: [makeProcess(43)], sockets: seen, holders: makeHolders([80, 43, T + 27_000]) });
    t.observe({ closed: makeClosed([7, T + 40_000], [8, T + 40_000, key]) });
    t.flows({ ...flow, state: 'new-and-ended' });
    t.answer();
    const answer = t.of(1, SRC);
    assert.equal(words(answer), isSeen ? '43 five-tuple likely' : 'closed-before-scan five-tuple unknown');
    assert.equal(t.attributor.sockets.facts.cookie[answer!.socket], 8);
  });
