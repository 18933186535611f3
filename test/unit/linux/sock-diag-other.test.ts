import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { NetlinkClient } from '../../../src/linux/netlink-client.ts';
import {
  dumpNetlink,
  dumpPacket,
  dumpUnix,
  type OtherSocketRow,
  parseNetlinkDiag,
  parsePacketDiag,
  parseUnixDiag,
} from '../../../src/linux/sock-diag-other.ts';
import { type FakeTransport, fakeTransport, readHex } from '../../support/netlink-fixtures.ts';

type Dump = (client: NetlinkClient, into: OtherSocketRow[]) => number;

function read(dump: Dump, file: string): { rows: OtherSocketRow[]; transport: FakeTransport } {
  const transport = fakeTransport(() => readHex(file));
  const rows: OtherSocketRow[] = [];
  assert.equal(dump(new NetlinkClient(transport), rows), 0);
  return { rows, transport };
}

test('dumpUnix() reads paths and abstract names, with newlines in them', () => {
  const { rows, transport } = read(dumpUnix, 'diag-unix-dump.hex');
  assert.deepEqual(
    rows.map(({ type, state, inode, cookie, uid, path }) => [type, state, inode, cookie, uid, path]),
    [
      [2, 7, 34746, 0x7d, 0, '/run/echo.sock'],
      [1, 10, 34745, 0x7e, 0, '@echo server'],
      [5, 10, 34747, 0x7f, 0, '@line\n00000000: x'],
    ],
  );
  assert.equal(transport.requests[0]!.length, 40);
});

test('dumpPacket() reads type, protocol and interface', () => {
  const { rows, transport } = read(dumpPacket, 'diag-packet-dump.hex');
  assert.deepEqual(
    rows.map(({ family, type, protocol, ifindex, inode, cookie, uid }) => [
      family,
      type,
      protocol,
      ifindex,
      inode,
      cookie,
      uid,
    ]),
    [
      ['packet', 3, 0x0003, 0, 34743, 0x80, 0],
      ['packet', 2, 0x0800, 1, 34744, 0x81, 0],
    ],
  );
  assert.equal(transport.requests[0]!.length, 36);
});

test('dumpNetlink() reads protocol and port id', () => {
  const { rows } = read(dumpNetlink, 'diag-netlink-dump.hex');
  const named = rows.find((row) => row.portid === 14776)!;
  assert.deepEqual([named.family, named.protocol, named.inode, named.uid], ['netlink', 0, 34748, null]);
  assert.ok(rows.every((row) => row.cookie > 0));
});

test('the dumps replace what the list held and return an error', () => {
  const rows = read(dumpUnix, 'diag-unix-dump.hex').rows;
  assert.equal(dumpPacket(new NetlinkClient(fakeTransport(() => [-2])), rows), -2);
  assert.equal(rows.length, 0);
});

test('the parsers leave out messages that are cut, and never throw', () => {
  for (const [parse, family, octets] of [
    [parseUnixDiag, 1, 16],
    [parsePacketDiag, 17, 16],
    [parseNetlinkDiag, 16, 28],
  ] as const) {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (rest) => {
        const b = Uint8Array.of(family, ...rest);
        assert.equal(parse(b, 0, b.length) !== undefined, b.length >= octets);
      }),
    );
  }
});

test('parseUnixDiag() has null for what the message does not say', () => {
  const b = new Uint8Array(16);
  b[0] = 1;
  const row = parseUnixDiag(b, 0, 16)!;
  assert.deepEqual([row.path, row.uid, row.protocol], [null, null, null]);
});

/** netlink attribute of 32-bit words, little-endian */
function words(type: number, ...values: readonly number[]): number[] {
  const octets = (value: number): number[] => [value & 255, (value >>> 8) & 255, (value >>> 16) & 255, value >>> 24];
  return [4 + 4 * values.length, 0, type, 0, ...values.flatMap(octets)];
}

test('the parsers read queues and the peer where the message has them', () => {
  const head = (family: number, octets: number): number[] => [family, ...new Array<number>(octets - 1).fill(0)];
  const unix = Uint8Array.from([...head(1, 16), ...words(2, 4711), ...words(4, 5, 300_000)]);
  const row = parseUnixDiag(unix, 0, unix.length)!;
  assert.deepEqual([row.peerInode, row.receiveQueue, row.sendQueue], [4711, 5, 300_000]);
  const packet = Uint8Array.from([...head(17, 16), ...words(6, 3328, 1, 7, 2)]); // rmem, rcvbuf, wmem, sndbuf
  const cut = Uint8Array.from([...head(17, 16), ...words(6, 3328, 1)]);
  const netlink = Uint8Array.from([...head(16, 28), ...words(0, 832, 1, 9, 2)]);
  const queues = (one: OtherSocketRow | undefined) => [one?.receiveQueue, one?.sendQueue, one?.peerInode];
  assert.deepEqual(queues(parsePacketDiag(packet, 0, packet.length)), [3328, 7, null]);
  assert.deepEqual(queues(parsePacketDiag(cut, 0, cut.length)), [null, null, null]);
  assert.deepEqual(queues(parseNetlinkDiag(netlink, 0, netlink.length)), [832, 9, null]);
});
