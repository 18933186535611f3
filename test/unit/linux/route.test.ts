import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatAddress } from '../../../src/core/address.ts';
import { createMessageCursor, nextMessage } from '../../../src/linux/netlink.ts';
import { parseRouteMessage, Route, type RouteMessage } from '../../../src/linux/route.ts';
import { fakeTransport, message, readHex } from '../../support/netlink-fixtures.ts';

/** Answers by the type of the request: RTM_GETLINK 18, RTM_GETADDR 22. */
function recorded(): Route {
  const files: Record<number, string> = { 18: 'route-links.hex', 22: 'route-addresses.hex' };
  return new Route(fakeTransport((request) => readHex(files[request[4]!]!)));
}

test('Route.links() reads recorded interfaces', () => {
  const [lo, down, up] = recorded().links();
  assert.deepEqual(lo, {
    ifindex: 1,
    name: 'lo',
    up: true,
    loopback: true,
    mtu: 65536,
    kind: null,
    stats: { rxPackets: 18, txPackets: 18, rxBytes: 2060, txBytes: 2060, rxDropped: 0, txDropped: 0 },
  });
  assert.deepEqual([down!.ifindex, down!.name, down!.up, down!.kind, down!.mtu], [2, 'veth1', false, 'veth', 1500]);
  assert.deepEqual([up!.ifindex, up!.name, up!.up, up!.loopback], [3, 'veth0', true, false]);
});

test('Route.addresses() reads recorded addresses, of a point-to-point link the own one', () => {
  assert.deepEqual(
    recorded()
      .addresses()
      .map(({ words, prefixLength, ifindex, broadcast }) => [
        `${formatAddress(words)}/${prefixLength}`,
        ifindex,
        broadcast && formatAddress(broadcast),
      ]),
    [
      ['127.0.0.1/8', 1, null],
      ['192.0.2.1/24', 3, '192.0.2.255'],
      ['198.51.100.1/32', 3, null],
      ['::1/128', 1, null],
      ['2001:db8::1/64', 3, null],
    ],
  );
});

test('Route.interfaces() joins addresses and interfaces', () => {
  assert.deepEqual(
    recorded()
      .interfaces()
      .map(({ name, addresses }) => [name, addresses.length]),
    [
      ['lo', 2],
      ['veth1', 0],
      ['veth0', 3],
    ],
  );
});

test('Route keeps the last list when the kernel does not answer', () => {
  const route = new Route(fakeTransport((_, n) => (n === 1 ? readHex('route-addresses.hex') : [-105])));
  const first = route.addresses();
  assert.equal(route.addresses(), first);
  assert.equal(route.lastError, -105);
});

function parse(b: Uint8Array): RouteMessage | undefined {
  const cursor = createMessageCursor();
  return nextMessage(b, b.length, cursor) ? parseRouteMessage(b, cursor) : undefined;
}

test('parseRouteMessage() tells removed from new', () => {
  const body = [2, 24, 0, 0, 7, 0, 0, 0, 8, 0, 2, 0, 192, 0, 2, 1];
  for (const [type, removed] of [
    [20, false],
    [21, true],
  ] as const) {
    const parsed = parse(message(type, body))!;
    assert.deepEqual([parsed.kind, parsed.removed], ['address', removed]);
  }
  const link = parse(message(17, new Array<number>(16).fill(0)))!;
  assert.deepEqual([link.kind, link.removed], ['link', true]);
});

test('parseRouteMessage() leaves out addresses that are cut, and other families', () => {
  assert.equal(parse(message(20, [2, 24, 0, 0, 7, 0, 0, 0, 7, 0, 2, 0, 192, 0, 2])), undefined);
  assert.equal(parse(message(20, [10, 64, 0, 0, 7, 0, 0, 0, 8, 0, 2, 0, 192, 0, 2, 1])), undefined);
  assert.equal(parse(message(20, [7, 24, 0, 0, 7, 0, 0, 0, 8, 0, 2, 0, 192, 0, 2, 1])), undefined);
});

test('parseRouteMessage() makes the name of an interface harmless', () => {
  const body = [...new Array<number>(16).fill(0), 8, 0, 3, 0, 0x61, 0xff, 0, 0x62];
  const parsed = parse(message(16, body));
  assert.equal(parsed?.kind === 'link' && parsed.link.name, 'a\\xff');
});

test('parseRouteMessage() never throws for any bytes', () => {
  fc.assert(
    fc.property(fc.constantFrom(16, 17, 20, 21, 22, 3), fc.uint8Array({ maxLength: 200 }), (type, body) => {
      parse(message(type, [...body]));
    }),
  );
});
