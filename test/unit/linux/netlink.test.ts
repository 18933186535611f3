import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  createAttributeCursor,
  createMessageCursor,
  isInterrupted,
  messageErrno,
  nextAttribute,
  nextMessage,
  putMessageHeader,
} from '../../../src/linux/netlink.ts';
import { message, readHex } from '../../support/netlink-fixtures.ts';

interface Walked {
  readonly messages: { type: number; octets: number }[];
  readonly malformed: boolean;
}

function walk(b: Uint8Array, length = b.length): Walked {
  const cursor = createMessageCursor();
  const messages: { type: number; octets: number }[] = [];
  while (nextMessage(b, length, cursor)) {
    messages.push({ type: cursor.type, octets: cursor.end - cursor.payload });
    assert.ok(cursor.end <= length && cursor.payload <= cursor.end);
    assert.ok(messages.length <= length / 16);
  }
  return { messages, malformed: cursor.malformed };
}

const join = (...parts: Uint8Array[]): Uint8Array => Uint8Array.from(parts.flatMap((part) => [...part]));

test('nextMessage() walks several messages whose lengths are not multiples of four', () => {
  const b = join(message(20, [1]), message(21, [1, 2, 3, 4]), message(3, []));
  assert.deepEqual(walk(b), {
    messages: [
      { type: 20, octets: 1 },
      { type: 21, octets: 4 },
      { type: 3, octets: 0 },
    ],
    malformed: false,
  });
});

test('nextMessage() reads the header of a recorded error', () => {
  const [b] = readHex('diag-tcp4-find-none.hex');
  const cursor = createMessageCursor();
  assert.equal(nextMessage(b!, b!.length, cursor), true);
  assert.deepEqual([cursor.type, cursor.sequence, messageErrno(b!, cursor)], [2, 1, -2]);
});

test('nextMessage() stops at length 0', () => {
  assert.deepEqual(walk(join(message(20, [1]), new Uint8Array(32))), {
    messages: [{ type: 20, octets: 1 }],
    malformed: true,
  });
});

test('nextMessage() stops at a length that is smaller than the header', () => {
  const b = message(20, []);
  b[0] = 15;
  assert.deepEqual(walk(b), { messages: [], malformed: true });
});

test('nextMessage() stops at a length that reaches past the content', () => {
  const b = message(20, [1, 2, 3, 4]);
  assert.equal(walk(b, b.length - 1).malformed, true);
  b.fill(0xff, 0, 4);
  assert.deepEqual(walk(b), { messages: [], malformed: true });
});

test('nextMessage() stops at a cut header', () => {
  for (let length = 1; length < 16; length++) assert.equal(walk(message(20, []), length).malformed, true);
  assert.equal(walk(message(20, []), 0).malformed, false);
});

test('isInterrupted() sees NLM_F_DUMP_INTR', () => {
  for (const [flags, expected] of [
    [0x12, true],
    [0x02, false],
  ] as const) {
    const b = message(20, [], flags);
    const cursor = createMessageCursor();
    nextMessage(b, b.length, cursor);
    assert.equal(isInterrupted(cursor), expected);
  }
});

test('messageErrno() is 0 for a message without a number', () => {
  const b = message(3, [1, 2]);
  const cursor = createMessageCursor();
  nextMessage(b, b.length, cursor);
  assert.equal(messageErrno(b, cursor), 0);
});

function attributes(b: Uint8Array, end = b.length): number[][] {
  const cursor = createAttributeCursor();
  const found: number[][] = [];
  while (nextAttribute(b, end, cursor)) {
    found.push([cursor.type, ...b.subarray(cursor.payload, cursor.payload + cursor.length)]);
    assert.ok(cursor.payload + cursor.length <= end);
  }
  return found;
}

test('nextAttribute() walks padded attributes and takes the flags off the type', () => {
  const b = Uint8Array.of(5, 0, 1, 0, 7, 0, 0, 0, 6, 0, 18, 0x80, 8, 9, 0, 0, 4, 0, 3, 0);
  assert.deepEqual(attributes(b), [[1, 7], [18, 8, 9], [3]]);
});

test('nextAttribute() stops at a length below 4 and at one past the end', () => {
  assert.deepEqual(attributes(Uint8Array.of(0, 0, 1, 0)), []);
  assert.deepEqual(attributes(Uint8Array.of(3, 0, 1, 0)), []);
  assert.deepEqual(attributes(Uint8Array.of(9, 0, 1, 0, 1, 2, 3, 4)), []);
  assert.deepEqual(attributes(Uint8Array.of(5, 0, 1, 0, 1), 5), [[1, 1]]);
});

test('the cursors end for any bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), (b) => {
      walk(b);
      attributes(b);
    }),
  );
});

test('putMessageHeader() writes what nextMessage() reads', () => {
  const b = new Uint8Array(20).fill(0xaa);
  putMessageHeader(b, 20, 20, 0x301, 0xfffffffe);
  const cursor = createMessageCursor();
  assert.equal(nextMessage(b, b.length, cursor), true);
  assert.deepEqual([cursor.type, cursor.flags, cursor.sequence, cursor.end], [20, 0x301, 0xfffffffe, 20]);
  assert.deepEqual([...b.subarray(12)], [0, 0, 0, 0, 0xaa, 0xaa, 0xaa, 0xaa]);
});
