import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OpenSockets } from '../../../../../src/app/record/observe/open-sockets.ts';
import type { SocketSource } from '../../../../../src/app/record/observe/socket-source.ts';
import { copyRow } from '../../../../../src/core/columns.ts';
import { SOCKET_COLUMNS } from '../../../../../src/core/socket.ts';
import { equalKeys, keyProtocol, Protocol } from '../../../../../src/core/tuple.ts';
import { makeSockets, type SocketLiteral } from '../../../../support/facts.ts';

const CLIENT: SocketLiteral = { local: ['192.0.2.1', 40000], remote: ['198.51.100.9', 443], inode: 70, seenUs: 1 };

/** A source that decides about TCP, and has `socket` on its tuple, or nothing. */
function sourceOf(current: { socket: SocketLiteral | undefined; asked: number }): SocketSource {
  return {
    lost: 0,
    poll: () => false,
    looksUp: (key) => keyProtocol(key) === Protocol.Tcp,
    find(key, out) {
      current.asked++;
      if (current.socket === undefined) return false;
      const sockets = makeSockets(current.socket);
      if (!equalKeys(sockets.key, 0, key, 0)) return false;
      copyRow(SOCKET_COLUMNS, sockets, 0, out);
      return true;
    },
  };
}

test('OpenSockets says that a socket is open while its tuple shows it', () => {
  const current = { socket: CLIENT as SocketLiteral | undefined, asked: 0 };
  const open = new OpenSockets([sourceOf(current)]);
  open.note(makeSockets(CLIENT), 0);
  assert.equal(open.has(70), true);
  current.socket = { ...CLIENT, inode: 71 };
  assert.equal(open.has(70), false, 'another one is there by now');
});

test('OpenSockets says that a socket is gone when it is TIME_WAIT or nothing', () => {
  for (const socket of [{ ...CLIENT, inode: 0 }, undefined]) {
    const open = new OpenSockets([sourceOf({ socket, asked: 0 })]);
    open.note(makeSockets(CLIENT), 0);
    assert.equal(open.has(70), false);
  }
});

test('OpenSockets gives nothing up that nobody can look up', () => {
  const current = { socket: undefined, asked: 0 };
  const open = new OpenSockets([sourceOf(current)]);
  open.note(makeSockets({ ...CLIENT, protocol: Protocol.Raw, inode: 72 }), 0);
  assert.deepEqual([open.has(72), open.has(99), current.asked], [true, true, 0]);
});
