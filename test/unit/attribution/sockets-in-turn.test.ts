/** Sockets that had a tuple one after the other in a flow that was not cut between them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SourceCode } from '../../../src/core/socket.ts';
import { Protocol } from '../../../src/core/tuple.ts';
import { HOST, PEER, SRC, setUp, words } from '../../support/attributor.ts';
import { makeClosed, makeOwners, makeProcess, makeSockets } from '../../support/facts.ts';

const T = 5_000_000;
const OWN = 100;
const POD = 200;
const TUPLE = { protocol: Protocol.Udp, inode: 0, source: SourceCode.Bpf, netns: OWN } as const;
const FLOW = { serial: 1, protocol: Protocol.Udp, src: [HOST, 40000], dst: [PEER, 53] } as const;
const LASTS = { firstUs: T, lastUs: T + 900_000, netns: OWN } as const; // while both sockets were there

const calls = (cookie: number, pid: number, fromUs: number) => ({ cookie, pid, evidence: 'Called', fromUs }) as const;

/** Socket 5 of process 41 until T + 300, socket 6 of `second` from T + 800,000 on. */
function start({ second = 42, protocol = Protocol.Udp as number, known = true } = {}) {
  const t = setUp(OWN, true);
  const socket = { ...TUPLE, protocol, local: FLOW.src, remote: FLOW.dst };
  t.observe({
    processes: [41, 42].map((pid) => makeProcess(pid)),
    sockets: makeSockets({ ...socket, cookie: 5, seenUs: T - 2 }, { ...socket, cookie: 6, seenUs: T + 800_000 }),
    owners: makeOwners(...(known ? [calls(5, 41, T - 2)] : []), calls(6, second, T + 800_000)),
    closed: makeClosed([5, T + 300]),
  });
  return t;
}

test('nobody is named where either socket may have sent, whichever of them the flow table knows', () => {
  for (const srcCookie of [0, 5, 6]) {
    const t = start();
    t.flows({ ...FLOW, ...LASTS, srcCookie });
    t.answer();
    assert.equal(words(t.of(1, SRC)), 'ambiguous cookie ambiguous', `cookie ${srcCookie}`);
    assert.equal(t.of(1, SRC)?.rule, 'sockets-in-turn');
    assert.deepEqual(
      t
        .of(1, SRC)
        ?.holders.map(({ process }) => process.pid)
        .sort(),
      [41, 42],
    );
  }
});

test('nobody is named of them where the packets were seen in another namespace', () => {
  const t = start();
  t.flows({ ...FLOW, ...LASTS, netns: POD });
  t.answer();
  assert.equal(words(t.of(1, SRC)), 'ambiguous cookie ambiguous');
});

test('a name is taken back when a flow that lives gets a second socket', () => {
  const t = start();
  t.flows({ ...FLOW, ...LASTS, lastUs: T + 100 });
  t.answer();
  assert.equal(words(t.of(1, SRC)), '41 cookie exact');
  t.flows({ ...FLOW, ...LASTS, state: 'living' });
  t.answer();
  assert.equal(words(t.of(1, SRC)), 'ambiguous cookie ambiguous');
});

test('two sockets of the same process are that process', () => {
  const t = start({ second: 41 });
  t.flows({ ...FLOW, ...LASTS });
  t.answer();
  assert.equal(words(t.of(1, SRC)), '41 cookie exact');
});

test('nobody is named where one of both sockets is nobody’s that is known', () => {
  const t = start({ known: false });
  t.flows({ ...FLOW, ...LASTS });
  t.answer();
  assert.equal(t.of(1, SRC)?.process, null);
});

test('a flow that ends before the next socket begins is its own', () => {
  const t = start();
  t.flows({ ...FLOW, ...LASTS, lastUs: T + 200 }, { ...FLOW, ...LASTS, serial: 2, firstUs: T + 800_001 });
  t.answer();
  assert.deepEqual([words(t.of(1, SRC)), words(t.of(2, SRC))], ['41 cookie exact', '42 cookie exact']);
});

test('a connection is told apart by its SYN', () => {
  const t = start({ protocol: Protocol.Tcp });
  t.flows({ ...FLOW, ...LASTS, protocol: Protocol.Tcp, srcCookie: 6 });
  t.answer();
  assert.equal(words(t.of(1, SRC)), '42 cookie exact');
});

test('of two connections on one tuple whose SYN nobody saw neither is named, unless one began as the other ended', () => {
  for (const [firstUs, expected] of [
    [T - 2_000_000, 'ambiguous cookie ambiguous'],
    [T, '42 cookie exact'],
  ] as const) {
    const t = start({ protocol: Protocol.Tcp });
    t.flows({ ...FLOW, ...LASTS, protocol: Protocol.Tcp, firstUs });
    t.answer();
    assert.equal(words(t.of(1, SRC)), expected);
  }
});
