/** Flows and sockets of several network namespaces, and tuples that are translated on their way. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAddress } from '../../../src/core/address.ts';
import { SocketState, SourceCode } from '../../../src/core/socket.ts';
import { Protocol } from '../../../src/core/tuple.ts';
import { DST, HOST, PEER, SRC, setUp, words } from '../../support/attributor.ts';
import { makeHolders, makeOwners, makeProcess, makeSockets } from '../../support/facts.ts';

const T = 5_000_000;
const OWN = 100;
const POD = 200;
const OTHER_POD = 300;
const INNER = '172.17.0.2';
const OUT = { serial: 1, src: [INNER, 40000], dst: [PEER, 443], firstUs: T, lastUs: T + 900, netns: OWN } as const;
const SOCKET = { local: [INNER, 40000], remote: [PEER, 443], inode: 0, seenUs: T - 2, source: SourceCode.Bpf } as const;
const acts = (cookie: number, pid: number) => ({ cookie, pid, evidence: 'Transfer', fromUs: T + 5 }) as const;

/** An attributor of a host that the kernel tells of all its namespaces. */
function start() {
  const t = setUp(OWN);
  t.observe({ processes: [1, 2, 3].map((pid) => makeProcess(pid)), owners: makeOwners(acts(99, 3)) });
  return t;
}

test('Attributor names the process of another namespace whose packets pass through this one', () => {
  const t = start();
  t.flows(OUT);
  t.answer();
  assert.equal(words(t.of(1, SRC)), 'forwarded - unknown');
  t.observe({ sockets: makeSockets({ ...SOCKET, cookie: 5, netns: POD }), owners: makeOwners(acts(5, 1)) });
  t.answer();
  assert.equal(words(t.of(1, SRC)), '1 cookie exact');
  assert.equal(words(t.of(1, DST)), 'not-local - unknown', 'one end is this host after all');
});

test('Attributor names both ends of a flow in another namespace that comes before the first fact', () => {
  const t = setUp(OWN, true);
  const ends = { src: [HOST, 40000], dst: [INNER, 443] } as const;
  t.flows({ ...OUT, ...ends, netns: POD, state: 'new-and-ended' });
  t.answer();
  assert.equal(words(t.of(1, SRC)), 'other-netns - unknown');
  assert.equal(words(t.of(1, DST)), 'no-socket - unknown', 'nobody has listed the addresses in there');
  const client = { ...SOCKET, local: ends.src, remote: ends.dst, cookie: 5, netns: OWN } as const;
  const server = { ...SOCKET, local: ends.dst, remote: ends.src, cookie: 6, netns: POD } as const;
  const processes = [1, 2].map((pid) => makeProcess(pid));
  t.observe({ processes, sockets: makeSockets(client, server), owners: makeOwners(acts(5, 1), acts(6, 2)) });
  t.answer();
  assert.equal(words(t.of(1, SRC)), '1 cookie exact');
  assert.equal(words(t.of(1, DST)), '2 cookie exact');
});

test('Attributor leaves ends of other hosts with what it said at once', () => {
  const t = start();
  t.flows({ ...OUT, src: [HOST, 40000], state: 'new-and-ended' });
  t.answer();
  t.answer();
  assert.deepEqual(t.given, ['1/1 not-local - unknown', '1/0 no-socket - unknown']);
});

test('Attributor gives up soon on ends that are most probably other hosts’', () => {
  const t = start();
  t.flows({ ...OUT, state: 'new-and-ended' });
  t.answer();
  assert.equal(t.attributor.pending.size, 2);
  t.attributor.forget(T + 20_000_000, () => {});
  assert.equal(t.attributor.pending.size, 0);
});

test('Attributor does not wait for sockets of other namespaces where nobody tells of them', () => {
  const t = setUp(OWN);
  t.flows(OUT);
  assert.equal(t.attributor.pending.size, 0);
});

test('Attributor says other-netns where a socket of another namespace had the address', () => {
  const t = start();
  t.observe({ sockets: makeSockets({ ...SOCKET, remote: [PEER, 80], cookie: 5, netns: POD }) });
  t.flows({ ...OUT, state: 'new-and-ended' });
  t.answer();
  assert.equal(words(t.of(1, SRC)), 'other-netns - unknown');
  assert.equal(words(t.of(1, DST)), 'forwarded - unknown');
});

test('Attributor keeps the same tuple in two namespaces apart', () => {
  const t = start();
  const LO = ['127.0.0.1', 80] as const;
  const socket = { ...SOCKET, local: ['127.0.0.1', 40000], remote: LO } as const;
  t.observe({
    sockets: makeSockets({ ...socket, cookie: 5, netns: POD }, { ...socket, cookie: 6, netns: OWN, seenUs: T + 3 }),
    owners: makeOwners(acts(5, 1), acts(6, 2)),
  });
  const flow = { ...OUT, src: ['127.0.0.1', 40000], dst: LO } as const;
  t.flows({ ...flow, netns: POD }, { ...flow, serial: 2 }, { ...flow, serial: 3, netns: OTHER_POD });
  t.answer();
  assert.equal(words(t.of(1, SRC)), '1 cookie exact');
  assert.equal(words(t.of(2, SRC)), '2 cookie exact');
  assert.equal(words(t.of(3, SRC)), 'no-socket - unknown', 'a loopback address is of its own namespace only');
});

test('Attributor names nobody when two other namespaces have a socket on the tuple', () => {
  const t = start();
  t.observe({
    sockets: makeSockets({ ...SOCKET, cookie: 5, netns: POD }, { ...SOCKET, cookie: 6, netns: OTHER_POD }),
    owners: makeOwners(acts(5, 1), acts(6, 2)),
  });
  t.flows(OUT);
  t.answer();
  assert.equal(words(t.of(1, SRC)), 'ambiguous cookie ambiguous');
});

test('Attributor passes over listeners of other namespaces', () => {
  const t = start();
  const listener = { local: ['0.0.0.0', 80], state: SocketState.Listen, seenUs: T } as const;
  t.observe({
    sockets: makeSockets(
      { ...listener, inode: 8, cookie: 8, netns: POD },
      { ...listener, inode: 9, cookie: 9, netns: OWN },
    ),
    holders: makeHolders([8, 1, T], [9, 2, T]),
  });
  t.flows({ serial: 1, src: [PEER, 5], dst: [HOST, 80], firstUs: T, lastUs: T + 9, netns: OWN });
  t.answer();
  assert.equal(words(t.of(1, DST)), '2 listener likely');
});

test('Attributor finds a server behind a translated port, not the listener on the port that was asked for', () => {
  const t = start();
  const listener = { local: ['0.0.0.0', 8080], state: SocketState.Listen, seenUs: T, netns: OWN } as const;
  t.observe({
    sockets: makeSockets(
      { ...listener, inode: 8, cookie: 8 },
      { ...SOCKET, local: [INNER, 80], remote: [PEER, 7], cookie: 5, netns: POD, seenUs: T + 90 },
    ),
    owners: makeOwners(acts(5, 1)),
    holders: makeHolders([8, 2, T]),
  });
  const asked = { serial: 1, src: [PEER, 7], dst: [HOST, 8080], firstUs: T, lastUs: T + 900, netns: OWN } as const;
  t.flows({ ...asked, nat: [asked.src, [INNER, 80]] });
  t.answer();
  assert.equal(words(t.of(1, DST)), '1 conntrack exact');
});

test('Attributor finds a server that sees its masqueraded client, and the client itself', () => {
  const t = start();
  const client = { ...SOCKET, remote: [HOST, 443], cookie: 5, netns: POD } as const;
  const flow = { ...OUT, dst: [HOST, 443] } as const;
  t.flows({ ...flow, nat: [[HOST, 61000], flow.dst] });
  t.answer();
  t.observe({
    sockets: makeSockets(client, { ...SOCKET, local: [HOST, 443], remote: [HOST, 61000], cookie: 6, seenUs: T + 90 }),
    owners: makeOwners(acts(5, 1), acts(6, 2)),
  });
  t.answer();
  assert.equal(words(t.of(1, SRC)), '1 cookie exact');
  assert.equal(words(t.of(1, DST)), '2 conntrack exact');
});

test('Attributor finds the listener on a port that packets are redirected to', () => {
  const t = start();
  const listener = { local: ['0.0.0.0', 8080], state: SocketState.Listen, seenUs: T, netns: OWN } as const;
  t.observe({ sockets: makeSockets({ ...listener, inode: 8, cookie: 8 }), holders: makeHolders([8, 2, T]) });
  const asked = { serial: 1, src: [PEER, 7], dst: [HOST, 80], firstUs: T, lastUs: T + 900, netns: OWN } as const;
  t.flows({ ...asked, nat: [asked.src, [HOST, 8080]] });
  t.answer();
  assert.equal(words(t.of(1, DST)), '2 listener likely');
});

test('Attributor takes the addresses of a listed namespace for its own', () => {
  const t = start();
  t.observe({ addresses: { netns: POD, unicast: [parseAddress(INNER)!], broadcast: [] } });
  t.flows({ ...OUT, netns: POD }, { ...OUT, serial: 2 });
  t.answer();
  assert.equal(words(t.of(1, SRC)), 'no-socket - unknown');
  assert.equal(words(t.of(2, SRC)), 'other-netns - unknown');
});

test('Attributor gives what the kernel sends by itself to the kernel, and to a raw socket what that one sent', () => {
  const t = start();
  const error = { protocol: Protocol.Icmp, src: [HOST, 0], dst: [PEER, 0], netns: OWN } as const;
  const raw = {
    protocol: Protocol.Icmp,
    local: [HOST, 0],
    remote: [PEER, 0],
    inode: 0,
    source: SourceCode.Bpf,
  } as const;
  t.observe({ sockets: makeSockets({ ...raw, cookie: 5, seenUs: T - 3 }), owners: makeOwners(acts(5, 1)) });
  t.flows({ ...error, serial: 1, firstUs: T, lastUs: T }, { ...error, serial: 2, firstUs: T - 60, lastUs: T });
  t.answer();
  assert.equal(words(t.of(1, SRC)), '1 cookie exact');
  assert.equal(words(t.of(2, SRC)), 'kernel - unknown', 'that socket was not there yet');
  assert.equal(words(t.of(1, DST)), 'not-local - unknown');
});

test('Attributor takes the socket of the ping that sent an echo, not that of one that overhears the answer', () => {
  const t = start();
  const raw = {
    protocol: Protocol.Icmp,
    local: [HOST, 9],
    remote: [PEER, 0],
    inode: 0,
    source: SourceCode.Bpf,
  } as const;
  t.observe({
    sockets: makeSockets({ ...raw, cookie: 5, seenUs: T - 3 }, { ...raw, cookie: 6, seenUs: T + 600 }),
    owners: makeOwners(acts(5, 1), acts(6, 2)),
  });
  t.flows({ serial: 1, protocol: Protocol.Icmp, src: [HOST, 9], dst: [PEER, 0], firstUs: T, lastUs: T + 900 });
  t.answer();
  assert.equal(words(t.of(1, SRC)), '1 cookie exact');
});

test('Attributor gives the RST on a port that nobody listens on to the kernel', () => {
  const t = start();
  const refused = { serial: 1, src: [PEER, 7], dst: [HOST, 81], firstUs: T, lastUs: T + 40, netns: OWN } as const;
  t.flows({ ...refused, isRefused: true, state: 'new-and-ended' });
  t.answer();
  assert.equal(words(t.of(1, DST)), 'kernel - unknown');
});
