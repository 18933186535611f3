/** What `sockets` lists of a recorded host: 14776 echo-server, 14783 its fork, 14779 a client with a hostile name. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readInternetSockets } from '../../../../src/app/sockets/internet-sockets.ts';
import { readOtherSockets } from '../../../../src/app/sockets/other-sockets.ts';
import { findHolders, type Holders, holderList } from '../../../../src/app/sockets/socket-holders.ts';
import { type ListedSocket, listSockets } from '../../../../src/app/sockets/socket-list.ts';
import type { SocketField } from '../../../../src/core/socket-record.ts';
import { NetlinkClient } from '../../../../src/linux/netlink-client.ts';
import { ProcFs } from '../../../../src/linux/proc-fs.ts';
import { SockDiag } from '../../../../src/linux/sock-diag.ts';
import { fakeTransport, readHex } from '../../../support/netlink-fixtures.ts';
import { statText, tempRoots } from '../../../support/temp-roots.ts';

const proc = new ProcFs('test/fixtures/proc/basic');
const folder = (): string => 'thread-self/net';
const nobody: Holders = { byInode: new Map(), isPartial: false };

const surroundings = {
  netns: 4026531840,
  userName: (uid: number): string | undefined => (uid === 1000 ? 'alice' : undefined),
  interfaceName: (ifindex: number): string => `if${ifindex}`,
};

function list(holders: Holders, diag?: SockDiag): readonly ListedSocket[] {
  const internet = readInternetSockets(diag, proc, folder) ?? assert.fail('no source answers');
  return listSockets({ internet, others: readOtherSockets(undefined, proc, folder), holders, ...surroundings });
}

function byInode(sockets: readonly ListedSocket[], inode: number | null): ListedSocket {
  return sockets.find(({ record }) => record.inode === inode) ?? assert.fail(`inode ${inode} is not listed`);
}

function fields({ record }: ListedSocket, ...names: SocketField[]): unknown[] {
  return names.map((name) => record[name]);
}

test('listSockets() lists every socket of /proc/net once, of every protocol', () => {
  const count = new Map<unknown, number>();
  for (const { record } of list(nobody)) count.set(record.protocol, (count.get(record.protocol) ?? 0) + 1);
  // Lines of the files of the fixture; the fourth of unix is only the rest of a name with a newline in it.
  assert.deepEqual(Object.fromEntries(count), {
    tcp: 5 + 4,
    udp: 2 + 1,
    udplite: 1 + 1,
    icmp: 1,
    icmp6: 1,
    raw: 2 + 1,
    unix: 3,
    packet: 2,
    netlink: 9,
  });
});

test('listSockets() names all holders, the lowest pid first', () => {
  const sockets = list(findHolders(proc));
  const shared = byInode(sockets, 34750);
  assert.deepEqual(fields(shared, 'pid', 'comm', 'fd', 'holders', 'reason', 'holder_list'), [
    14776,
    'echo-server',
    23,
    2,
    null,
    'echo-server(14776,23) echo-worker(14783,23)',
  ]);
  assert.deepEqual(
    shared.holders.map(({ pid, fd }) => [pid, fd]),
    [
      [14776, 23],
      [14783, 23],
    ],
  );
  const hostile = byInode(sockets, 34751);
  assert.equal(hostile.record.holder_list, 'a\\x29\\x20R\\x201\\x20\\x28b\\x0ac(14779,3)');
});

test('listSockets() has null for what is absent: other end, uid of TIME_WAIT, cookie of /proc', () => {
  const sockets = list(nobody);
  const listener = byInode(sockets, 34732);
  assert.deepEqual(
    fields(listener, 'family', 'type', 'state', 'local_addr', 'local_port', 'remote_addr', 'remote_port', 'cookie'),
    ['inet', 'stream', 'LISTEN', '0.0.0.0', 7007, null, null, null],
  );
  const closed = sockets.find(({ record }) => record.state === 'TIME-WAIT')!;
  assert.deepEqual(fields(closed, 'uid', 'user', 'inode', 'pid', 'holders', 'reason'), [
    null,
    null,
    null,
    null,
    null,
    'closed-before-scan',
  ]);
  assert.deepEqual(fields(byInode(sockets, 34752), 'uid', 'user', 'netns'), [1000, 'alice', 4026531840]);
  assert.equal(byInode(sockets, 34732).record.user, null, 'uid 0 has no name here');
});

test('listSockets() says which family a socket is of, whatever it speaks', () => {
  const sockets = list(nobody);
  const names = ['family', 'local_addr', 'remote_addr'] as const;
  assert.deepEqual(fields(byInode(sockets, 34733), ...names), ['inet6', '::', null]);
  assert.deepEqual(fields(byInode(sockets, 34757), ...names), ['inet6', '127.0.0.1', '127.0.0.1']);
  assert.deepEqual(fields(byInode(sockets, 34758), ...names), ['inet6', '::1', '::1']);
});

test('listSockets() says what raw, ping, packet and netlink sockets are for', () => {
  const sockets = list(nobody);
  const names = ['protocol', 'type', 'subprotocol', 'local_port'] as const;
  assert.deepEqual(fields(byInode(sockets, 34736), ...names), ['raw', 'raw', 'icmp', null]);
  assert.deepEqual(fields(byInode(sockets, 34738), ...names), ['raw', 'raw', '255', null]);
  assert.deepEqual(fields(byInode(sockets, 34741), ...names), ['icmp', 'dgram', null, 777]);
  assert.deepEqual(fields(byInode(sockets, 34743), ...names), ['packet', 'raw', 'all', null]);
  assert.deepEqual(fields(byInode(sockets, 34744), 'subprotocol', 'interface'), ['ipv4', 'if1']);
  assert.deepEqual(fields(byInode(sockets, 34748), 'subprotocol', 'port_id'), ['route', 14776]);
  assert.equal(byInode(sockets, 34745).record.path, '@echo server');
});

test('listSockets() says no-permission only when some process could not be looked at', () => {
  const reason = (holders: Holders, inode: number): unknown => byInode(list(holders), inode).record.reason;
  assert.equal(reason(nobody, 34732), null);
  assert.equal(reason({ ...nobody, isPartial: true }, 34732), 'no-permission');
  assert.equal(reason({ ...nobody, isPartial: true }, 34709), 'kernel', 'a netlink socket with port id 0');
});

test('readInternetSockets() reads /proc/net for the protocols that sock_diag refuses', () => {
  const transport = fakeTransport((request) => {
    const [family, protocol] = [request[16], request[17]];
    return family === 2 && protocol === 6 ? readHex('diag-tcp4-dump.hex') : [-2]; // ENOENT: no such module
  });
  const sockets = list(nobody, new SockDiag(transport, () => 0));
  const sources = new Set(sockets.map(({ record }) => `${record.protocol} ${record.family} ${record.source}`));
  assert.ok(sources.has('tcp inet diag'));
  assert.ok(!sources.has('tcp inet proc'));
  for (const one of ['tcp inet6 proc', 'udp inet proc', 'raw inet proc', 'icmp inet proc']) assert.ok(sources.has(one));
});

test('readInternetSockets() has no list where nothing answers', () => {
  assert.equal(
    readInternetSockets(undefined, proc, () => undefined),
    undefined,
  );
  assert.equal(
    readInternetSockets(undefined, new ProcFs('/nonexistent'), () => '1/net'),
    undefined,
  );
});

test('readOtherSockets() lists a netlink socket once that the kernel lists for each of its tables', () => {
  const [datagram] = readHex('diag-netlink-dump.hex');
  const done = readHex('diag-netlink-dump.hex').slice(1);
  const answers = fakeTransport((request) => (request[16] === 16 ? [datagram!, datagram!, ...done] : [-2]));
  const sockets = readOtherSockets(new NetlinkClient(answers), proc, () => undefined);
  assert.equal(sockets.filter(({ portId }) => portId === 14776).length, 1);
});

test('findHolders() is partial when descriptors are refused or processes are hidden', () => {
  assert.equal(findHolders(proc).isPartial, false);
  const mounted = (options: string): string => `36 35 0:5 / /proc rw - proc proc rw${options}\n`;
  const hidden = tempRoots({ 'proc/self/mountinfo': mounted(',hidepid=invisible') });
  const root = tempRoots({ 'proc/self/mountinfo': mounted(',hidepid=invisible'), 'proc/1/stat': statText(1, 'init') });
  const open = tempRoots({ 'proc/self/mountinfo': mounted('') });
  assert.deepEqual(
    [hidden, root, open].map((roots) => findHolders(roots.proc).isPartial),
    [true, false, false],
  );
  for (const roots of [hidden, root, open]) roots.remove();
});

test('holderList() has a question mark for a process that ended meanwhile', () => {
  assert.equal(holderList([{ pid: 7, fd: 3, comm: null }]), '?(7,3)');
  assert.equal(holderList([]), null);
});
