import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  filterSockets,
  SOCKET_SORTS,
  type SocketFilter,
  type SocketSort,
  sortSockets,
} from '../../../../src/app/sockets/socket-filter.ts';
import type { ListedSocket } from '../../../../src/app/sockets/socket-list.ts';
import { SOCKET_FIELDS, type SocketRecord } from '../../../../src/core/socket-record.ts';

const EMPTY = Object.fromEntries(SOCKET_FIELDS.map((field) => [field, null])) as SocketRecord;

function socket(
  record: Partial<SocketRecord>,
  ...holders: readonly (readonly [pid: number, comm: string])[]
): ListedSocket {
  const of = holders.map(([pid, comm]) => ({ pid, comm, fd: 3 }));
  return { record: { ...EMPTY, family: 'inet', ...record }, holders: of };
}

const web = socket(
  { protocol: 'tcp', state: 'LISTEN', local_port: 80, uid: 33, user: 'www' },
  [5, 'nginx'],
  [6, 'nginx'],
);
const out = socket({ protocol: 'tcp', state: 'ESTAB', local_port: 40_000, remote_port: 443, uid: 0 }, [
  7,
  'MainThread',
]);
const dns = socket({ protocol: 'udp', state: 'UNCONN', local_port: 53, reason: 'no-permission', uid: 33, user: 'www' });
const ping = socket({ protocol: 'raw', subprotocol: 'icmp', state: 'UNCONN', uid: 0 }, [9, 'ping']);
const bus = socket({ family: 'unix', protocol: 'unix', state: 'LISTEN', path: '/run/bus' }, [1, 'init']);
const all = [web, out, dns, ping, bus];
const names = new Map([web, out, dns, ping, bus].map((one, i) => [one, ['web', 'out', 'dns', 'ping', 'bus'][i]!]));

const exeOf = (pid: number): string | null => (pid === 7 ? '/usr/bin/node' : null);

function found(filter: Partial<SocketFilter>): string[] {
  const { sockets } = filterSockets(all, { families: 'all', listening: false, ...filter }, exeOf);
  return sockets.map((one) => names.get(one)!);
}

test('filterSockets() finds by protocol, also what a raw socket carries', () => {
  assert.deepEqual(found({ protocol: 'tcp' }), ['web', 'out']);
  assert.deepEqual(found({ protocol: 'icmp' }), ['ping']);
  assert.deepEqual(found({ protocol: 'raw' }), ['ping']);
});

test('filterSockets() finds a port at either end, and a user by name or uid', () => {
  assert.deepEqual(found({ port: 443 }), ['out']);
  assert.deepEqual(found({ port: 80 }), ['web']);
  assert.deepEqual(found({ user: 'www' }), ['web', 'dns']);
  assert.deepEqual(found({ user: '0' }), ['out', 'ping']);
});

test('filterSockets() finds by any holder: pid, name, or name or path of the executable', () => {
  assert.deepEqual(found({ pid: 6 }), ['web']);
  assert.deepEqual(found({ process: 'nginx' }), ['web']);
  assert.deepEqual(found({ process: 'node' }), ['out']);
  assert.deepEqual(found({ process: '/usr/bin/node' }), ['out']);
  assert.deepEqual(found({ process: 'ode' }), []);
  assert.deepEqual(found({ pid: 5, process: 'node' }), [], 'both have to hold');
});

test('filterSockets() keeps listeners, datagram sockets without a remote end, internet sockets', () => {
  assert.deepEqual(found({ listening: true }), ['web', 'dns', 'ping', 'bus']);
  assert.deepEqual(found({ families: 'inet' }), ['web', 'out', 'dns', 'ping']);
});

test('filterSockets() counts the sockets that would fit but whose process may not be seen', () => {
  const count = (filter: Partial<SocketFilter>): number =>
    filterSockets(all, { families: 'all', listening: false, ...filter }, exeOf).hidden;
  assert.equal(count({ pid: 5 }), 1);
  assert.equal(count({ protocol: 'tcp' }), 0);
});

test('sortSockets() sorts numbers as numbers and addresses by their parts, null last in both directions', () => {
  const at = (local_addr: string | null, receive_queue: number | null) =>
    socket({ protocol: 'tcp', local_addr, receive_queue });
  const rows = [at('10.0.0.10', 9), at(null, null), at('10.0.0.9', 100)];
  const sorted = (by: SocketSort, direction: 'asc' | 'desc') =>
    sortSockets(rows, { by, direction }).map(({ record }) => record.local_addr);
  assert.deepEqual(sorted('local', 'asc'), ['10.0.0.9', '10.0.0.10', null]);
  assert.deepEqual(sorted('local', 'desc'), ['10.0.0.10', '10.0.0.9', null]);
  assert.deepEqual(sorted('receive_queue', 'desc'), ['10.0.0.9', '10.0.0.10', null]);
});

test('sortSockets() lists protocols as ss does, listeners first', () => {
  const sorted = sortSockets([bus, ping, out, dns, web], { by: 'protocol', direction: 'asc' });
  assert.deepEqual(
    sorted.map((one) => names.get(one)),
    ['web', 'out', 'dns', 'ping', 'bus'],
  );
});

test('sortSockets() gives one order, however the sockets came', () => {
  const sorts = Object.keys(SOCKET_SORTS) as SocketSort[];
  const rows = all.map((one, inode) => ({ ...one, record: { ...one.record, inode } }));
  fc.assert(
    fc.property(fc.shuffledSubarray(rows, { minLength: rows.length }), fc.constantFrom(...sorts), (shuffled, by) => {
      assert.deepEqual(sortSockets(shuffled, { by, direction: 'asc' }), sortSockets(rows, { by, direction: 'asc' }));
    }),
  );
});
