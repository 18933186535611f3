import assert from 'node:assert/strict';
import { test } from 'node:test';
import { placeOf } from '../../../src/attribution/end-place.ts';
import { LocalAddresses } from '../../../src/attribution/local-addresses.ts';
import { parseAddress } from '../../../src/core/address.ts';
import { Protocol } from '../../../src/core/tuple.ts';
import { DST, HOST, PEER, SRC } from '../../support/attributor.ts';
import { type Endpoint, makeKey } from '../../support/facts.ts';

const addresses = new LocalAddresses();
addresses.replace([parseAddress(HOST)!]);

/** Reason and whether it may change; 'found' when a socket has to be. */
function place(side: number, protocol: number, end: Endpoint, peer: Endpoint): string {
  const { reason, isSettled, isMulticast } = placeOf(addresses, 0, makeKey(protocol, end, peer), side);
  if (reason === null) return isMulticast ? 'found among receivers' : 'found';
  return `${reason}${isSettled ? ' for good' : ''}`;
}

test('placeOf() looks for sockets at local ends, and says at once what the others are', () => {
  assert.equal(place(SRC, Protocol.Tcp, [HOST, 1], [PEER, 2]), 'found');
  assert.equal(place(DST, Protocol.Tcp, [PEER, 2], [HOST, 1]), 'not-local');
  assert.equal(place(SRC, Protocol.Tcp, [PEER, 2], ['203.0.113.7', 1]), 'forwarded');
});

test('placeOf() takes receivers of a group for local, and its sender not for ours', () => {
  assert.equal(place(DST, Protocol.Udp, ['239.0.0.1', 5], [PEER, 2]), 'found among receivers');
  assert.equal(place(SRC, Protocol.Udp, [PEER, 2], ['239.0.0.1', 5]), 'not-local');
  assert.equal(place(DST, Protocol.Udp, [PEER, 2], ['239.0.0.1', 5]), 'forwarded', 'nobody sends from a group');
});

test('placeOf() gives ICMP and IGMP to the kernel, but not the question of an echo', () => {
  assert.equal(place(SRC, Protocol.Icmp, [HOST, 77], [PEER, 0]), 'found');
  assert.equal(place(DST, Protocol.Icmp, [HOST, 0], [PEER, 77]), 'kernel for good');
  assert.equal(place(SRC, Protocol.Icmp, [HOST, 0], [PEER, 0]), 'kernel');
  assert.equal(place(SRC, 2, [HOST, 0], ['224.0.0.22', 0]), 'kernel for good');
  assert.equal(place(DST, Protocol.Icmp, [PEER, 0], [HOST, 77]), 'not-local for good');
});

test('placeOf() says of nobody that his packets were passed on where it does not know the own addresses', () => {
  const unlisted = new LocalAddresses();
  const { reason, isSettled } = placeOf(unlisted, 0, makeKey(Protocol.Tcp, [PEER, 2], ['203.0.113.7', 1]), SRC);
  assert.deepEqual([reason, isSettled], ['no-socket', false]);
});
