import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createColumns } from '../../../src/core/columns.ts';
import { CLOSED_COLUMNS, type ClosedColumns, TOTALS } from '../../../src/core/socket.ts';
import { K_META, KEY_WORDS } from '../../../src/core/tuple.ts';
import type { NetlinkTransport } from '../../../src/linux/netlink-client.ts';
import { SocketEnds } from '../../../src/linux/socket-ends.ts';
import { message, readHex } from '../../support/netlink-fixtures.ts';
import { keyText } from '../../support/sockets.ts';

const NOW = 55;
const EAGAIN = -11;
const ENOBUFS = -105;

/** A socket on which these datagrams wait, or -errno numbers. */
function waiting(...datagrams: (Uint8Array | number)[]): NetlinkTransport {
  return {
    send: (_, length) => length,
    receive(into) {
      const next = datagrams.shift() ?? EAGAIN;
      if (typeof next === 'number') return next;
      into.set(next);
      return next.length;
    },
    close: () => undefined,
  };
}

function readAll(...datagrams: (Uint8Array | number)[]): { ends: SocketEnds; out: ClosedColumns } {
  const ends = new SocketEnds(waiting(...datagrams), () => NOW);
  const out = createColumns(CLOSED_COLUMNS, 1);
  ends.read(out);
  return { ends, out };
}

const keys = (out: ClosedColumns): string[] =>
  Array.from({ length: out.count }, (_, row) => {
    const at = row * KEY_WORDS;
    return out.key[at + K_META] === 0 ? '-' : keyText(out.key, at);
  });

test('SocketEnds reads recorded notices: cookie, time, and the tuple where it is whole', () => {
  const { out } = readAll(...readHex('diag-ends.hex'));
  assert.deepEqual(keys(out), [
    'udp/4 127.0.0.1:40011 127.0.0.1:5353',
    'udp/4 0.0.0.0:40012 0.0.0.0:0',
    'udp/6 ::1:40013 ::1:5353',
    'tcp/4 127.0.0.1:40014 127.0.0.1:7009',
    '-', // reset: the other end is gone
    '-', // a listener
  ]);
  assert.deepEqual([...out.cookie.subarray(0, 6)], [0x71, 0x72, 0x73, 0x74, 0x75, 0x76]);
  assert.deepEqual([...out.atUs.subarray(0, 6)], Array(6).fill(NOW));
});

const totals = (out: ClosedColumns): string[] =>
  Array.from({ length: out.count }, (_, row) => TOTALS.map((name) => out[name][row]).join(' '));

test('SocketEnds says what a connection carried, which one that was reset does not know any more', () => {
  const { out } = readAll(...readHex('diag-ends.hex'));
  const none = '0 0 0 0';
  // 100 octets sent, 102 sequence numbers confirmed: SYN and FIN are two of them
  assert.deepEqual(totals(out), [none, none, none, '1 100 100 50', none, none]);
});

test('SocketEnds counts what the kernel threw away, and reads on', () => {
  const [first, second] = readHex('diag-ends.hex');
  const { ends, out } = readAll(first!, ENOBUFS, second!);
  assert.deepEqual([out.count, ends.lost], [2, 1]);
});

test('SocketEnds passes over messages that are no notice, or too short for one', () => {
  const [notice] = readHex('diag-ends.hex');
  const { out } = readAll(message(3, [0, 0, 0, 0]), message(20, [2, 1, 0, 0]), notice!.subarray(0, 60), notice!);
  assert.equal(out.count, 1);
});

test('SocketEnds reads any octets without failing', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), (octets) => {
      const { out } = readAll(message(20, [...octets]), octets);
      assert.ok(out.count <= 25); // a message has at least 16 octets
    }),
  );
});
