import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type MessageCursor, messageErrno } from '../../../src/linux/netlink.ts';
import { Errno, NetlinkClient } from '../../../src/linux/netlink-client.ts';
import { fakeTransport, message } from '../../support/netlink-fixtures.ts';

const DATA = 20;
const INTERRUPTED = 0x12; // NLM_F_MULTI | NLM_F_DUMP_INTR
const DONE = message(3, [0, 0, 0, 0], 2);
const errorOf = (errno: number): Uint8Array => message(2, [256 - errno, 255, 255, 255]);
const join = (...parts: Uint8Array[]): Uint8Array => Uint8Array.from(parts.flatMap((part) => [...part]));

/** Makes a client whose requests get these answers in turn, and the first payload octets that it passes on. */
function setUp(...answers: (readonly (Uint8Array | number)[])[]) {
  const transport = fakeTransport((_, n) => answers[n - 1] ?? []);
  const client = new NetlinkClient(transport);
  let seen: number[] = [];
  const request = new Uint8Array(24);
  const onMessage = (b: Uint8Array, cursor: MessageCursor): void => void seen.push(b[cursor.payload]!);
  const dump = (): number => client.dump(request, 24, DATA, onMessage, () => (seen = []));
  const find = (): number => client.find(request, 24, DATA, onMessage);
  return { transport, client, dump, find, seen: () => seen };
}

test('NetlinkClient.dump() passes on every message up to DONE, over several datagrams', () => {
  const { dump, seen, transport } = setUp([
    join(message(DATA, [1]), message(DATA, [2])),
    join(message(DATA, [3]), DONE),
  ]);
  assert.equal(dump(), 0);
  assert.deepEqual(seen(), [1, 2, 3]);
  assert.equal(new DataView(transport.requests[0]!.buffer).getUint16(6, true), 0x301);
});

test('NetlinkClient.dump() returns the errno of an error and of a DONE', () => {
  assert.equal(setUp([errorOf(2)]).dump(), -2);
  assert.equal(setUp([message(3, [256 - 22, 255, 255, 255], 2)]).dump(), -22);
});

test('NetlinkClient.dump() returns what send() and receive() fail with', () => {
  assert.equal(setUp([message(DATA, [1]), -105]).dump(), -105);
  assert.equal(setUp([message(DATA, [1])]).dump(), -Errno.EAGAIN);
  const transport = { ...fakeTransport(() => []), send: () => -9 };
  assert.equal(
    new NetlinkClient(transport).dump(new Uint8Array(16), 16, DATA, () => assert.fail(), assert.fail),
    -9,
  );
});

test('NetlinkClient.dump() passes over answers to earlier requests', () => {
  const stale = join(message(DATA, [8], 2, 77), message(3, [0, 0, 0, 0], 2, 77));
  const { dump, seen } = setUp([stale, join(message(DATA, [1]), DONE)]);
  assert.equal(dump(), 0);
  assert.deepEqual(seen(), [1]);
});

test('NetlinkClient.dump() asks once more when the list changed meanwhile', () => {
  const { dump, seen, client } = setUp(
    [message(DATA, [1]), join(message(DATA, [2], INTERRUPTED), DONE)],
    [join(message(DATA, [3]), DONE)],
  );
  assert.equal(dump(), 0);
  assert.deepEqual(seen(), [3]);
  assert.equal(client.interrupted, 0);
});

test('NetlinkClient.dump() takes the second answer and counts it when both were interrupted', () => {
  const last = message(3, [0, 0, 0, 0], INTERRUPTED);
  const { dump, seen, client, transport } = setUp([join(message(DATA, [1]), last)], [join(message(DATA, [2]), last)]);
  assert.equal(dump(), 0);
  assert.deepEqual(seen(), [2]);
  assert.deepEqual([client.interrupted, transport.requests.length], [1, 2]);
});

test('NetlinkClient.dump() ends with EBADMSG at bytes that are no message', () => {
  const { dump, seen } = setUp([join(message(DATA, [1]), new Uint8Array(20))]);
  assert.equal(dump(), -Errno.EBADMSG);
  assert.deepEqual(seen(), [1]);
});

test('NetlinkClient.find() passes on one message', () => {
  const { find, seen } = setUp([message(DATA, [1])]);
  assert.equal(find(), 1);
  assert.deepEqual(seen(), [1]);
});

test('NetlinkClient.find() returns the errno, and ENOENT for an acknowledgement without content', () => {
  assert.equal(setUp([errorOf(1)]).find(), -1);
  assert.equal(setUp([errorOf(2)]).find(), -Errno.ENOENT);
  assert.equal(setUp([message(2, [0, 0, 0, 0])]).find(), -Errno.ENOENT);
});

test('NetlinkClient.find() passes over stale answers, but not for ever', () => {
  const stale = message(DATA, [8], 0, 77);
  const patient = setUp([stale, stale, message(DATA, [1])]);
  assert.equal(patient.find(), 1);
  assert.deepEqual(patient.seen(), [1]);
  assert.equal(setUp(new Array<Uint8Array>(1000).fill(stale)).find(), -Errno.EAGAIN);
});

test('NetlinkClient.find() uses request() where the transport has it', () => {
  const base = fakeTransport(() => []);
  const answered = message(DATA, [5]);
  let calls = 0;
  const transport = {
    ...base,
    send: () => assert.fail(),
    request: (request: Uint8Array, length: number, reply: Uint8Array) => {
      calls++;
      assert.equal(length, 24);
      answered.set(request.subarray(8, 12), 8); // its sequence number
      reply.set(answered);
      return answered.length;
    },
  };
  const seen: number[] = [];
  const client = new NetlinkClient(transport);
  assert.equal(
    client.find(new Uint8Array(24), 24, DATA, (b, cursor) => void seen.push(b[cursor.payload]!)),
    1,
  );
  assert.deepEqual([calls, seen], [1, [5]]);
});

test('NetlinkClient gives every request a sequence number of its own', () => {
  const { find, transport } = setUp([errorOf(2)], [errorOf(2)]);
  find();
  find();
  const [a, b] = transport.requests.map((request) => new DataView(request.buffer).getUint32(8, true));
  assert.notEqual(a, b);
});

test('NetlinkClient.close() closes the transport', () => {
  const { client, transport } = setUp();
  client.close();
  assert.equal(transport.closed, true);
});

test('fakeTransport() keeps errors apart from sequence numbers', () => {
  const cursor = { next: 0, type: 2, flags: 0, sequence: 1, payload: 16, end: 20, malformed: false };
  assert.equal(messageErrno(errorOf(2), cursor), -2);
});
