import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SOCKET_FIELDS, type SocketRecord } from '../../../src/core/socket-record.ts';
import { SOCKET_DEFAULT_COLUMNS, socketColumns } from '../../../src/report/socket-columns.ts';
import { table } from '../../../src/report/table.ts';

const EMPTY = Object.fromEntries(SOCKET_FIELDS.map((field) => [field, null])) as SocketRecord;
const columns = socketColumns();

function cell(name: string, record: Partial<SocketRecord>): string {
  const column = columns.find((one) => one.name === name) ?? assert.fail(`no column ${name}`);
  return column.cell({ ...EMPTY, family: 'inet', ...record });
}

const v6 = { family: 'inet6', local_addr: 'fe80::1', local_port: 443, remote_addr: 'fe80::2', remote_port: 50_000 };

test('socketColumns() has every field once', () => {
  const names = columns.map(({ name }) => name);
  assert.equal(new Set(names).size, names.length);
  for (const name of ['protocol', 'inode', 'cookie', 'holder_list', ...SOCKET_DEFAULT_COLUMNS]) {
    assert.ok(names.includes(name), name);
  }
});

test('socketColumns() puts IPv6 in brackets, with the interface of link-local addresses', () => {
  assert.equal(cell('local', { ...v6, interface: 'eth0' }), '[fe80::1%eth0]:443');
  assert.equal(cell('remote', { ...v6, interface: 'eth0' }), '[fe80::2%eth0]:50000');
  assert.equal(cell('remote', { ...v6, remote_addr: '2001:db8::2', interface: 'eth0' }), '[2001:db8::2]:50000');
  assert.equal(cell('local', { local_addr: '0.0.0.0', local_port: 68, interface: 'eth0' }), '0.0.0.0%eth0:68');
});

test('socketColumns() shows a star for an end that is not there', () => {
  assert.equal(cell('remote', { local_addr: '0.0.0.0', local_port: 22 }), '*');
  assert.equal(cell('local', { local_addr: '::', family: 'inet6' }), '[::]:*');
  assert.equal(cell('local', { local_addr: '0.0.0.0', subprotocol: 'icmp' }), '0.0.0.0:icmp');
});

test('socketColumns() shows what unix, packet and netlink sockets are bound to', () => {
  assert.equal(cell('local', { family: 'unix', path: '/run/bus' }), '/run/bus');
  assert.equal(cell('local', { family: 'unix', inode: 7 }), '* 7');
  assert.equal(cell('remote', { family: 'unix', peer_inode: 8 }), '* 8');
  assert.equal(cell('local', { family: 'packet', subprotocol: 'arp', interface: 'eth0' }), 'arp%eth0');
  assert.equal(cell('local', { family: 'packet', subprotocol: 'all' }), 'all%*');
  assert.equal(cell('local', { family: 'netlink', subprotocol: 'route', port_id: 0 }), 'route:0');
});

test('socketColumns() names the process, how many others hold it, or why there is none', () => {
  const held = { pid: 12, comm: 'nginx', holders: 1 };
  assert.equal(cell('process', held), 'nginx[12]');
  assert.equal(cell('process', { ...held, holders: 4 }), 'nginx[12] +3');
  assert.equal(cell('process', { reason: 'no-permission' }), '(no-permission)');
  assert.equal(cell('process', { reason: 'closed-before-scan' }), '');
  assert.equal(cell('user', { uid: 33 }), '33');
  assert.equal(cell('user', { uid: 33, user: 'www' }), 'www');
});

test('socketColumns() fit 80 columns by default, with the longest addresses and hostile names', () => {
  const defaults = SOCKET_DEFAULT_COLUMNS.map((name) => columns.find((one) => one.name === name)!);
  const address = '2001:db8:1111:2222:3333:4444:5555:6666';
  const ends = { local_addr: address, local_port: 65_535, remote_addr: address, remote_port: 65_535 };
  const owner = { user: 'a-user-with-a-long-name', pid: 4_194_303, comm: '\x1b[31mred\u202e name', holders: 1000 };
  const row = { ...EMPTY, family: 'inet6', protocol: 'udplite', state: 'FIN-WAIT-1', ...ends, ...owner };
  const text = [...table([row], { columns: defaults, fields: [], width: 80, csvRaw: false })].join('');
  for (const line of text.trimEnd().split('\n')) assert.ok(line.length <= 80, line);
  for (const harm of ['\x1b', '\u202e']) assert.ok(!text.includes(harm));
});
