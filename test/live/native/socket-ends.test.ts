/** What this kernel tells of the end of sockets. */
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { test } from 'node:test';
import { openSocketEnds } from '../../../src/app/record/observe/open-sources.ts';
import { createColumns } from '../../../src/core/columns.ts';
import { CLOSED_COLUMNS } from '../../../src/core/socket.ts';
import { KEY_WORDS } from '../../../src/core/tuple.ts';
import { loadNative } from '../../../src/native/binding.ts';
import { keyText } from '../../support/sockets.ts';
import { waitFor } from '../../support/wait.ts';

const ends = openSocketEnds(loadNative(), () => 1);
const skip = ends === undefined ? 'the kernel refuses the groups of sock_diag' : false;

test('the kernel tells of both ends of a connection, and of a datagram socket, when they are closed', {
  skip,
}, async () => {
  const server = createServer((socket) => socket.end()).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const client = connect(port, '127.0.0.1');
  await once(client, 'connect');
  const own = client.localPort;
  await once(client.resume(), 'close');
  server.close();
  const datagrams = createSocket('udp4').bind(0, '127.0.0.1');
  await once(datagrams, 'listening');
  const bound = datagrams.address().port;
  datagrams.close();

  const closed = createColumns(CLOSED_COLUMNS);
  const tuples = (): string[] => Array.from({ length: closed.count }, (_, row) => keyText(closed.key, row * KEY_WORDS));
  const wanted = [
    `tcp/4 127.0.0.1:${own} 127.0.0.1:${port}`,
    `tcp/4 127.0.0.1:${port} 127.0.0.1:${own}`,
    `udp/4 127.0.0.1:${bound} 0.0.0.0:0`,
  ];
  await waitFor(
    () => {
      ends!.read(closed);
      return wanted.every((tuple) => tuples().includes(tuple));
    },
    5000,
    'the notices',
  );
  assert.ok(closed.cookie.subarray(0, closed.count).every((cookie) => cookie > 0));
  ends!.close();
});
