import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createColumns } from '../../../src/core/columns.ts';
import type { ParseError } from '../../../src/core/errors.ts';
import { SOCKET_COLUMNS, type SocketColumns, SourceCode } from '../../../src/core/socket.ts';
import { KEY_WORDS, keyNetns } from '../../../src/core/tuple.ts';
import { ProcFs } from '../../../src/linux/proc-fs.ts';
import { PROC_NET_FILES, type ProcNetFile, parseProcNet, readProcNet } from '../../../src/linux/proc-net.ts';
import { socketLines } from '../../support/sockets.ts';

const file = (name: string): ProcNetFile => PROC_NET_FILES.find((candidate) => candidate.name === name)!;

function parse(text: string, name: string): { sockets: SocketColumns; bad: ParseError[] } {
  const sockets = createColumns(SOCKET_COLUMNS, 1);
  const bad: ParseError[] = [];
  const context = { source: name, netns: 5, seenUs: 77, onBadLine: (error: ParseError) => void bad.push(error) };
  parseProcNet(Buffer.from(text, 'latin1'), file(name), context, sockets);
  return { sockets, bad };
}

function readBasic(name: string): string[] {
  const sockets = createColumns(SOCKET_COLUMNS, 1);
  const onBadLine = (error: ParseError): never => assert.fail(error.message);
  const proc = new ProcFs('test/fixtures/proc/basic');
  assert.equal(readProcNet(proc, 'thread-self/net', file(name), { netns: 0, seenUs: 1, onBadLine }, sockets), true);
  return socketLines(sockets);
}

// What `ss -tunae` printed while the fixture was recorded.
const EXPECTED: readonly (readonly [string, readonly string[]])[] = [
  [
    'tcp',
    [
      'tcp/4 LISTEN 0.0.0.0:7007 0.0.0.0:0 34732 0',
      'tcp/4 ESTAB 127.0.0.1:40002 127.0.0.1:7008 34752 1000',
      'tcp/4 ESTAB 127.0.0.1:40001 127.0.0.1:7007 34751 1000',
      'tcp/4 TIME-WAIT 127.0.0.1:40004 127.0.0.1:7007 0 -',
      'tcp/4 ESTAB 127.0.0.1:7007 127.0.0.1:40001 34750 0',
    ],
  ],
  [
    'tcp6',
    [
      'tcp/6 LISTEN :::7008 :::0 34733 0',
      'tcp/6 ESTAB ::1:7008 ::1:40003 34758 0',
      'tcp/4 ESTAB 127.0.0.1:7008 127.0.0.1:40002 34757 0',
      'tcp/6 ESTAB ::1:40003 ::1:7008 34753 1000',
    ],
  ],
  ['udp', ['udp/4 UNCONN 192.0.2.1:5353 0.0.0.0:0 34734 0', 'udp/4 ESTAB 127.0.0.1:40005 192.0.2.1:5353 34755 1000']],
  ['udp6', ['udp/6 UNCONN :::5354 :::0 34735 0']],
  ['udplite', ['udplite/4 UNCONN 127.0.0.1:7009 0.0.0.0:0 34739 0']],
  ['udplite6', ['udplite/6 UNCONN ::1:7009 :::0 34740 0']],
  ['raw', ['icmp/4 UNCONN 0.0.0.0:0 0.0.0.0:0 34736 0', '255/4 UNCONN 0.0.0.0:0 0.0.0.0:0 34738 0']],
  ['raw6', ['icmp6/6 UNCONN :::0 :::0 34737 0']],
  ['icmp', ['icmp/4 UNCONN 127.0.0.1:777 0.0.0.0:0 34741 0']],
  ['icmp6', ['icmp6/6 UNCONN ::1:778 :::0 34742 0']],
];

for (const [name, lines] of EXPECTED) {
  test(`readProcNet() finds the sockets of a recorded ${name}`, () => {
    assert.deepEqual(readBasic(name).sort(), [...lines].sort());
  });
}

test('readProcNet() says when the file is not there', () => {
  const proc = new ProcFs('test/fixtures/proc/broken');
  const sockets = createColumns(SOCKET_COLUMNS);
  const context = { netns: 0, seenUs: 1, onBadLine: () => assert.fail() };
  assert.equal(readProcNet(proc, 'net', file('udp6'), context, sockets), false);
  assert.equal(sockets.count, 0);
});

test('parseProcNet() reports bad lines by number and keeps the good ones', () => {
  const text = new ProcFs('test/fixtures/proc/broken').readText('net/tcp')!;
  const { sockets, bad } = parse(text, 'tcp');
  assert.deepEqual(socketLines(sockets), [
    'tcp/4 LISTEN 127.0.0.1:7007 0.0.0.0:0 101 0',
    'tcp/4 ESTAB 127.0.0.1:7008 127.0.0.1:40001 105 65534',
  ]);
  assert.deepEqual(
    bad.map((error) => error.at),
    [3, 4, 5, 6, 7, 8, 9],
  );
  assert.equal(bad[0]!.message, 'tcp: not a socket line (at 3)');
});

test('parseProcNet() fills queues, namespace, time and source', () => {
  const text = new ProcFs('test/fixtures/proc/broken').readText('net/tcp')!;
  const { sockets } = parse(text, 'tcp');
  assert.deepEqual([sockets.sendQueue[1], sockets.receiveQueue[1]], [7, 9]);
  assert.deepEqual([sockets.seenUs[1], sockets.cookie[1], sockets.source[1]], [77, 0, SourceCode.Proc]);
  assert.equal(keyNetns(sockets.key, KEY_WORDS), 5);
});

const HEADER = '  sl  local_address ...\n';

test('parseProcNet() gives no uid to a socket without inode that shows root', () => {
  const line = '   0: 0100007F:1B5F 0100007F:9C41 05 00000000:00000000 00:00000000 00000000 ';
  assert.deepEqual(socketLines(parse(`${HEADER}${line}    0        0 0 1 0\n`, 'tcp').sockets), [
    'tcp/4 FIN-WAIT-2 127.0.0.1:7007 127.0.0.1:40001 0 -',
  ]);
  assert.deepEqual(socketLines(parse(`${HEADER}${line} 1000        0 0 1 0\n`, 'tcp').sockets), [
    'tcp/4 FIN-WAIT-2 127.0.0.1:7007 127.0.0.1:40001 0 1000',
  ]);
});

test('parseProcNet() takes the last line without a newline', () => {
  const line = '   0: 0100007F:1B5F 0100007F:9C41 01 00000000:00000000 00:00000000 00000000     0        0 12';
  assert.equal(parse(HEADER + line, 'tcp').sockets.inode[0], 12);
});

test('parseProcNet() never throws and never reads another line for any text', () => {
  const valid = '   0: 0100007F:1B5F 0100007F:9C41 01 00000000:00000000 00:00000000 00000000     0        0 12 1 0';
  const piece = fc.oneof(fc.string(), fc.constantFrom('\n', valid, valid.slice(0, 40), ':', '0100007F:1B5F'));
  fc.assert(
    fc.property(fc.array(piece), fc.constantFrom(...PROC_NET_FILES), (pieces, { name }) => {
      const text = pieces.join('');
      const { sockets, bad } = parse(text, name);
      const lines = text.split('\n').slice(1);
      assert.equal(sockets.count + bad.length, lines.filter((line) => line !== '').length);
    }),
  );
});
