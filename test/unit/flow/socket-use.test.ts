import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OwnerEvidence, SocketEvent } from '../../../src/core/socket.ts';
import { Use, useOf } from '../../../src/flow/socket-use.ts';
import {
  changesHands,
  handsOver,
  receives,
  sends,
  socketEvents,
  type TestEvent,
  tupleKey,
} from '../../support/socket-events.ts';

const use = (event: TestEvent): number | undefined => useOf(socketEvents([event]), 0);
const unicast = tupleKey(17, '10.0.0.1:9', '10.0.0.2:53');

test('useOf() tells who sends from who receives', () => {
  assert.equal(use(sends(7, unicast, 0)), Use.Sends);
  assert.equal(use(receives(7, unicast, 0)), Use.Receives);
});

test('useOf() takes who receives a multicast, a broadcast or an ICMP message for a listener among others', () => {
  for (const key of [
    tupleKey(17, '224.0.0.251:5353', '10.0.0.1:5353'),
    tupleKey(17, '255.255.255.255:67', '10.0.0.1:68'),
    tupleKey(17, '[ff02::fb]:5353', '[2001:db8::1]:5353'),
    tupleKey(1, '10.0.0.1:0', '10.0.0.2:7'),
    tupleKey(58, '[2001:db8::1]:0', '[2001:db8::2]:7'),
  ]) {
    assert.equal(use(receives(7, key, 0)), undefined);
    assert.equal(use(sends(7, key, 0)), Use.Sends);
  }
});

test('useOf() sees a change of hands only when a process takes a connected socket over from one that used it', () => {
  assert.equal(use(changesHands(7, unicast, 0)), Use.ChangesHands);
  assert.equal(use(handsOver('sent', 5, 7, unicast, 0)), Use.HandsOverSent);
  assert.equal(use(handsOver('received', 5, 7, unicast, 0)), Use.HandsOverReceived);
  assert.equal(use(changesHands(7, tupleKey(17, '10.0.0.1:9', '0.0.0.0:0'), 0)), undefined);
  assert.equal(use({ ...changesHands(7, unicast, 0), previous: OwnerEvidence.Called }), undefined);
  assert.equal(use({ kind: SocketEvent.Owner, cookie: 7, key: unicast, atUs: 0 }), undefined);
});
