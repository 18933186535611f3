import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SocketTable } from '../../../src/attribution/socket-table.ts';
import { seeStillOpen } from '../../../src/attribution/still-open.ts';
import { SocketState, SourceCode } from '../../../src/core/socket.ts';
import { Protocol } from '../../../src/core/tuple.ts';
import { makeClosed, makeSockets, type SocketLiteral } from '../../support/facts.ts';

const SECOND = 1_000_000;
const END = 25 * SECOND;
const HTTPS = ['198.51.100.9', 443] as const;
const SOCKET = {
  local: ['192.0.2.1', 40000],
  inode: 7,
  cookie: 7,
  seenUs: 20 * SECOND,
  source: SourceCode.Bpf,
} as const;
const SNAPSHOT = { startedUs: 20 * SECOND, isSnapshot: true, deniedUids: new Set<number>() };

/** @returns until when the socket is known to have been there, in seconds */
function until(
  literal: Partial<SocketLiteral>,
  more: { closedUs?: number; isSnapshot?: boolean; lostUs?: number } = {},
) {
  const sockets = new SocketTable();
  sockets.observe(makeSockets({ ...SOCKET, ...literal }), () => {});
  if (more.closedUs !== undefined) sockets.close(makeClosed([7, more.closedUs]));
  const scan = { ...SNAPSHOT, isSnapshot: more.isSnapshot ?? true, partlyDeniedUids: new Set<number>() };
  const lost = more.lostUs === undefined ? [] : [{ fromUs: more.lostUs - 1, toUs: more.lostUs }];
  seeStillOpen({ sockets, scan, lost }, END);
  return sockets.facts.toUs[0]! / SECOND;
}

test('a socket that the kernel listed, and of whose end it did not tell, was there until the recording ended', () => {
  assert.equal(until({ remote: HTTPS }), 25);
  assert.equal(until({ remote: HTTPS, seenUs: 24 * SECOND }), 25, 'younger than the list');
  assert.equal(until({ state: SocketState.Listen }), 25);
  assert.equal(until({ protocol: Protocol.Udp }), 25);
});

test('a socket that was closed, or that the last list does not have, is not said to have been there', () => {
  assert.equal(until({ remote: HTTPS }, { closedUs: 22 * SECOND }), 22);
  assert.equal(until({ remote: HTTPS, seenUs: 19 * SECOND }), 19);
});

test('a row that ends untold is not said to have been there: a peer of a datagram socket, a SYN of a listener', () => {
  assert.equal(until({ protocol: Protocol.Udp, remote: HTTPS }), 20);
  assert.equal(until({ remote: HTTPS, state: SocketState.Listen }), 20);
});

test('nothing is said where ends may have been missed', () => {
  assert.equal(until({ remote: HTTPS }, { lostUs: 21 * SECOND }), 20, 'events were lost');
  assert.equal(until({ remote: HTTPS }, { lostUs: 19 * SECOND }), 25, 'before the list');
  assert.equal(until({ remote: HTTPS }, { isSnapshot: false }), 20, 'nobody lists all of them');
  assert.equal(until({ remote: HTTPS, source: SourceCode.Diag }), 20, 'it was only seen');
});
