import assert from 'node:assert/strict';
import { test } from 'node:test';
import { INTERFACE_FIELDS, listInterfaces, listInterfacesOfSys } from '../../../../src/app/sockets/interface-list.ts';
import { parseAddress } from '../../../../src/core/address.ts';
import type { Interface } from '../../../../src/linux/route.ts';
import { INTERFACE_DEFAULT_COLUMNS, interfaceColumns } from '../../../../src/report/interface-columns.ts';
import { table } from '../../../../src/report/table.ts';
import { tempRoots } from '../../../support/temp-roots.ts';

const stats = { rxPackets: 1, txPackets: 2, rxBytes: 300, txBytes: 400, rxDropped: 5, txDropped: 6 };

function link(more: Partial<Interface>): Interface {
  return { ifindex: 2, name: 'eth0', up: true, loopback: false, mtu: 1500, kind: null, stats, addresses: [], ...more };
}

function address(text: string, prefixLength: number): Interface['addresses'][number] {
  return { words: parseAddress(text)!, prefixLength, ifindex: 2, broadcast: null };
}

test('listInterfaces() lists addresses with their prefix and counters, by ifindex', () => {
  const { sys, remove } = tempRoots({});
  const addresses = [address('192.0.2.1', 24), address('2001:db8::1', 64)];
  const [lo, eth] = listInterfaces([link({ addresses }), link({ ifindex: 1, name: 'lo', loopback: true })], sys);
  assert.deepEqual([lo?.name, lo?.kind, lo?.addresses], ['lo', 'loopback', null]);
  assert.deepEqual([eth?.name, eth?.kind, eth?.addresses], ['eth0', 'hardware', '192.0.2.1/24 2001:db8::1/64']);
  assert.deepEqual(
    INTERFACE_FIELDS.filter((field) => /^[rt]x_/.test(field)).map((field) => eth?.[field]),
    [1, 300, 5, 2, 400, 6],
  );
  remove();
});

test('listInterfaces() tells an interface that is down from one without a carrier', () => {
  const { sys, remove } = tempRoots({
    'sys/class/net/eth0/operstate': 'down\n',
    'sys/class/net/tun0/operstate': 'unknown\n',
  });
  const states = listInterfaces(
    [link({}), link({ name: 'tun0', ifindex: 3 }), link({ name: 'off', ifindex: 4, up: false })],
    sys,
  ).map(({ name, state }) => `${name} ${state}`);
  assert.deepEqual(states, ['eth0 no-carrier', 'tun0 up', 'off down']);
  remove();
});

test('listInterfacesOfSys() reads the same from /sys, and passes over what is no interface', () => {
  const files = (name: string, one: Readonly<Record<string, string>>) =>
    Object.fromEntries(Object.entries(one).map(([file, text]) => [`sys/class/net/${name}/${file}`, `${text}\n`]));
  const counters = Object.fromEntries(
    ['rx_packets', 'tx_packets', 'rx_bytes', 'tx_bytes', 'rx_dropped', 'tx_dropped'].map((name, i) => [
      `statistics/${name}`,
      String(i + 10),
    ]),
  );
  const { sys, remove } = tempRoots({
    'sys/class/net/bonding_masters': 'bond0\n',
    ...files('br0', {
      ifindex: '3',
      flags: '0x1003',
      mtu: '1500',
      uevent: 'DEVTYPE=bridge',
      operstate: 'up',
      ...counters,
    }),
    ...files('lo', { ifindex: '1', flags: '0x9', mtu: '65536', operstate: 'unknown' }),
    ...files('gone', { flags: '0x1003' }),
  });
  const [lo, bridge, ...rest] = listInterfacesOfSys(sys, new Map([['lo', ['127.0.0.1/8']]]));
  assert.deepEqual(rest, []);
  assert.deepEqual(
    [lo?.name, lo?.state, lo?.kind, lo?.addresses, lo?.rx_bytes],
    ['lo', 'up', 'loopback', '127.0.0.1/8', null],
  );
  assert.deepEqual([bridge?.ifindex, bridge?.kind, bridge?.mtu], [3, 'bridge', 1500]);
  assert.deepEqual([bridge?.rx_packets, bridge?.rx_bytes, bridge?.tx_dropped], [10, 12, 15]);
  remove();
});

test('interfaceColumns() fit 80 columns however many addresses there are', () => {
  const { sys, remove } = tempRoots({});
  const addresses = Array.from({ length: 9 }, (_, i) => address(`2001:db8:1111:2222:3333:4444:5555:${i}`, 128));
  const huge = { ...stats, rxBytes: 2 ** 52, txBytes: 2 ** 52 };
  const rows = listInterfaces([link({ name: 'fifteen-letters', kind: 'wireguard', addresses, stats: huge })], sys);
  const all = interfaceColumns(INTERFACE_FIELDS);
  const columns = INTERFACE_DEFAULT_COLUMNS.map((name) => all.find((one) => one.name === name)!);
  for (const line of [...table(rows, { columns, fields: [], width: 80, csvRaw: false })]) {
    assert.ok(line.length <= 81, line); // with the end of the line
  }
  remove();
});
