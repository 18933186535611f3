import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createColumns } from '../../../src/core/columns.ts';
import { NO_UID, SOCKET_COLUMNS, type SocketColumns, SourceCode } from '../../../src/core/socket.ts';
import { K_SCOPE, KEY_WORDS, keyProtocol, Protocol } from '../../../src/core/tuple.ts';
import { ALL_STATES, answers, encodeDump, encodeFind, parseInetDiag, SockDiag } from '../../../src/linux/sock-diag.ts';
import { AF_INET, AF_INET6 } from '../../../src/linux/socket-key.ts';
import { type FakeTransport, fakeTransport, message, readHex } from '../../support/netlink-fixtures.ts';
import { socketKey, socketLines } from '../../support/sockets.ts';

const NONE = 'diag-tcp4-find-none.hex';

function diagOf(...files: string[]): { diag: SockDiag; out: SocketColumns; transport: FakeTransport } {
  const transport = fakeTransport((_, n) => readHex(files[n - 1]!));
  return { diag: new SockDiag(transport, () => 55), out: createColumns(SOCKET_COLUMNS, 1), transport };
}

test('SockDiag.dump() reads recorded TCP sockets', () => {
  const { diag, out } = diagOf('diag-tcp4-dump.hex');
  assert.equal(diag.dump(Protocol.Tcp, AF_INET, ALL_STATES, out), 0);
  assert.deepEqual(socketLines(out), [
    'tcp/4 LISTEN 0.0.0.0:7007 0.0.0.0:0 34732 0',
    'tcp/4 ESTAB 127.0.0.1:40002 127.0.0.1:7008 34752 1000',
    'tcp/4 ESTAB 127.0.0.1:40001 127.0.0.1:7007 34751 1000',
    'tcp/4 TIME-WAIT 127.0.0.1:40004 127.0.0.1:7007 0 -',
    'tcp/4 ESTAB 127.0.0.1:7007 127.0.0.1:40001 34750 0',
  ]);
  assert.deepEqual([...out.cookie.subarray(0, 5)], [0x74, 0x75, 0x76, 0x77, 0x78]); // sk: in ss
  assert.deepEqual([out.receiveQueue[2], out.sendQueue[0]], [1000, 7]);
  assert.deepEqual([out.seenUs[4], out.source[4]], [55, SourceCode.Diag]);
});

test('SockDiag.dump() gives version 4 to a socket of AF_INET6 that speaks IPv4', () => {
  const { diag, out } = diagOf('diag-tcp6-dump.hex');
  assert.equal(diag.dump(Protocol.Tcp, AF_INET6, ALL_STATES, out), 0);
  assert.deepEqual(socketLines(out), [
    'tcp/6 LISTEN :::7008 :::0 34733 0',
    'tcp/6 ESTAB ::1:7008 ::1:40003 34758 0',
    'tcp/4 ESTAB 127.0.0.1:7008 127.0.0.1:40002 34757 0',
    'tcp/6 ESTAB ::1:40003 ::1:7008 34753 1000',
  ]);
});

test('SockDiag.dump() reads the endpoints and associations of SCTP, whose further addresses are attributes', () => {
  const { diag, out } = diagOf('diag-sctp4-dump.hex');
  assert.equal(diag.dump(Protocol.Sctp, AF_INET, ALL_STATES, out), 0);
  assert.deepEqual(socketLines(out), [
    'sctp/4 LISTEN 0.0.0.0:5000 0.0.0.0:0 34901 1000',
    'sctp/4 ESTAB 192.0.2.1:5000 198.51.100.9:40001 34901 1000',
  ]);
});

test('SockDiag.dump() appends, and takes back what came before a failure', () => {
  const transport = fakeTransport((_, n) => (n === 1 ? readHex('diag-udp4-dump.hex') : [message(20, []), -105]));
  const diag = new SockDiag(transport, () => 1, 9);
  const out = createColumns(SOCKET_COLUMNS);
  assert.equal(diag.dump(Protocol.Udp, AF_INET, ALL_STATES, out), 0);
  assert.equal(out.count, 2);
  assert.equal(diag.dump(Protocol.Udp, AF_INET, ALL_STATES, out), -105);
  assert.deepEqual([out.count, diag.lastError], [2, -105]);
});

const CONNECTION = socketKey(Protocol.Tcp, '127.0.0.1', 40001, '127.0.0.1', 7007);

test('SockDiag.find() finds a connection', () => {
  const { diag, out } = diagOf('diag-tcp4-find.hex');
  assert.equal(diag.find(CONNECTION, 0, out), true);
  assert.deepEqual(socketLines(out), ['tcp/4 ESTAB 127.0.0.1:40001 127.0.0.1:7007 34751 1000']);
});

test('SockDiag.find() does not take the listener that the kernel returns for a connection that is gone', () => {
  const { diag, out } = diagOf('diag-tcp4-find-listener.hex');
  assert.equal(diag.find(socketKey(Protocol.Tcp, '127.0.0.1', 7007, '127.0.0.1', 9), 0, out), false);
  assert.deepEqual([out.count, diag.lastError], [0, 0]);
});

test('SockDiag.find() finds a listener when it is asked for one', () => {
  const { diag, out } = diagOf('diag-tcp4-find-listener.hex');
  assert.equal(diag.find(socketKey(Protocol.Tcp, '127.0.0.1', 7007, '0.0.0.0', 0), 0, out), true);
  assert.equal(out.inode[0], 34732);
});

test('SockDiag.find() says no to ENOENT and remembers other errors', () => {
  const { diag, out } = diagOf(NONE);
  assert.equal(diag.find(CONNECTION, 0, out), false);
  assert.equal(diag.lastError, 0);
  const failing = new SockDiag(
    fakeTransport(() => [-105]),
    () => 1,
  );
  assert.equal(failing.find(CONNECTION, 0, out), false);
  assert.deepEqual([failing.lastError, out.count], [-105, 0]);
});

test('SockDiag.find() asks for UDP with both ends exchanged, as the recorded kernel wants it', () => {
  const key = socketKey(Protocol.Udp, '127.0.0.1', 40005, '192.0.2.1', 5353);
  const { diag, out, transport } = diagOf('diag-udp4-find.hex');
  assert.equal(diag.find(key, 0, out), true);
  assert.deepEqual(socketLines(out), ['udp/4 ESTAB 127.0.0.1:40005 192.0.2.1:5353 34755 1000']);
  const id = [...transport.requests[0]!.subarray(24)];
  assert.deepEqual(id.slice(0, 4), [0x14, 0xe9, 0x9c, 0x45]); // 5353, 40005
  assert.deepEqual([...id.slice(4, 8), ...id.slice(20, 24)], [192, 0, 2, 1, 127, 0, 0, 1]);
});

test('SockDiag.find() does not take the other end, which the kernel returns when the ends are not exchanged', () => {
  const { diag, out } = diagOf('diag-udp4-find-not-swapped.hex');
  assert.equal(diag.find(socketKey(Protocol.Udp, '127.0.0.1', 40005, '192.0.2.1', 5353), 0, out), false);
  assert.equal(out.count, 0);
});

test('SockDiag.find() has no look-up for raw sockets', () => {
  const { diag, out, transport } = diagOf(NONE);
  assert.equal(diag.find(socketKey(Protocol.Icmp, '127.0.0.1', 1, '127.0.0.1', 0), 0, out), false);
  assert.equal(transport.requests.length, 0);
});

test('encodeFind() writes the very request that the kernel answered', () => {
  const quoted = readHex(NONE)[0]!.subarray(20); // 127.0.0.1:9 -> 127.0.0.1:9
  const b = new Uint8Array(72).fill(0xaa);
  encodeFind(b, socketKey(Protocol.Tcp, '127.0.0.1', 9, '127.0.0.1', 9), 0, 0);
  assert.deepEqual([...b.subarray(16)], [...quoted.subarray(16)]);
});

test('encodeFind() asks for the interface of a link-local address, and for a given one', () => {
  const key = socketKey(Protocol.Tcp, 'fe80::1', 9, 'fe80::2', 9);
  key[K_SCOPE] = 4;
  const b = new Uint8Array(72);
  encodeFind(b, key, 0, 0);
  assert.equal(new DataView(b.buffer).getUint32(60, true), 4);
  encodeFind(b, key, 0, 6);
  assert.equal(new DataView(b.buffer).getUint32(60, true), 6);
});

test('encodeDump() clears what an earlier look-up left', () => {
  const b = new Uint8Array(72);
  encodeFind(b, CONNECTION, 0, 3);
  encodeDump(b, AF_INET6, Protocol.Udp, 0x402);
  assert.deepEqual([...b.subarray(16, 24)], [10, 17, 0, 0, 2, 4, 0, 0]);
  assert.ok(b.subarray(24).every((octet) => octet === 0));
});

const udp = (local: string, port: number, remote = '0.0.0.0', remotePort = 0): Int32Array =>
  socketKey(Protocol.Udp, local, port, remote, remotePort);

test('answers() accepts a datagram socket that is not connected, bound to the address or to all', () => {
  const asked = udp('192.0.2.1', 53, '192.0.2.9', 4000);
  assert.equal(answers(asked, 0, udp('192.0.2.1', 53), 0), true);
  assert.equal(answers(asked, 0, udp('0.0.0.0', 53), 0), true);
  assert.equal(answers(asked, 0, udp('::', 53, '::'), 0), true);
  assert.equal(answers(asked, 0, udp('192.0.2.2', 53), 0), false);
  assert.equal(answers(asked, 0, udp('0.0.0.0', 54), 0), false);
  assert.equal(answers(asked, 0, udp('192.0.2.1', 53, '192.0.2.8', 4000), 0), false);
  assert.equal(answers(asked, 0, udp('192.0.2.1', 53, '192.0.2.9', 4001), 0), false);
});

/** An inet_diag_msg from the first recorded socket, with changes. */
function changed(...changes: readonly (readonly [offset: number, ...octets: number[]])[]): Uint8Array {
  const b = readHex('diag-tcp4-dump.hex')[0]!.slice(16, 124);
  for (const [offset, ...octets] of changes) b.set(octets, offset);
  return b;
}

function parse(b: Uint8Array, protocol: number = Protocol.Tcp): SocketColumns {
  const out = createColumns(SOCKET_COLUMNS);
  parseInetDiag(b, 0, b.length, { protocol, netns: 0, seenUs: 1 }, out);
  return out;
}

test('parseInetDiag() reads the cookie as a signed number', () => {
  assert.equal(parse(changed([44, 1, 0, 0, 0, 2, 0, 0, 0])).cookie[0], 2 * 2 ** 32 + 1);
  assert.equal(parse(changed([44, 255, 255, 255, 255, 255, 255, 255, 255])).cookie[0], -1);
});

test('parseInetDiag() gives no uid to a socket without inode that shows root', () => {
  const orphan = parse(changed([1, 5], [68, 0, 0, 0, 0]));
  assert.deepEqual([orphan.uid[0], orphan.inode[0]], [NO_UID, 0]);
  assert.equal(parse(changed([64, 0xe8, 3, 0, 0], [68, 0, 0, 0, 0])).uid[0], 1000);
});

test('parseInetDiag() takes the protocol of a raw socket from its local port', () => {
  assert.deepEqual(socketLines(parse(changed([1, 7], [4, 0, 58]), Protocol.Raw)), [
    'icmp6/4 UNCONN 0.0.0.0:0 0.0.0.0:0 34732 0',
  ]);
});

test('parseInetDiag() takes the protocol of a DESTROY notification from its attribute', () => {
  const out = parse(changed([72, 5, 0, 10, 0, 17, 0, 0, 0]));
  assert.equal(keyProtocol(out.key), 17);
});

test('parseInetDiag() keeps the interface of a bound socket', () => {
  assert.equal(parse(changed([40, 7, 0, 0, 0])).boundIfindex[0], 7);
});

test('parseInetDiag() translates the states of SCTP associations, not of listeners', () => {
  assert.equal(parse(changed([1, 3], [6, 0, 80]), Protocol.Sctp).state[0], 1);
  assert.equal(parse(changed(), Protocol.Sctp).state[0], 10);
});

test('parseInetDiag() leaves out messages that are cut or of another family', () => {
  for (let length = 0; length < 72; length++) assert.equal(parse(changed().subarray(0, length)).count, 0);
  assert.equal(parse(changed().subarray(0, 72)).count, 1);
  assert.equal(parse(changed([0, 1])).count, 0);
});

test('parseInetDiag() never throws for any bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.constantFrom(6, 17, 132, 255), (b, protocol) => {
      const out = parse(b, protocol);
      assert.equal(out.count, b.length >= 72 && (b[0] === 2 || b[0] === 10) ? 1 : 0);
    }),
  );
});

test('SockDiag.find() fills the second row of a key column', () => {
  const keys = new Int32Array(2 * KEY_WORDS);
  keys.set(CONNECTION, KEY_WORDS);
  const { diag, out } = diagOf('diag-tcp4-find.hex');
  assert.equal(diag.find(keys, KEY_WORDS, out), true);
  assert.deepEqual([...out.key.subarray(0, KEY_WORDS)], [...CONNECTION]);
});
