import assert from 'node:assert/strict';
import { isIPv4, isIPv6 } from 'node:net';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  addressBytes,
  formatAddress,
  isLinkLocal,
  isLoopback,
  isMulticast,
  isUnspecified,
  parseAddress,
} from '../../../src/core/address.ts';

test('formatAddress() writes the examples of RFC 5952 sections 4 and 5', () => {
  const examples: Readonly<Record<string, string>> = {
    '2001:0db8::0001': '2001:db8::1',
    '2001:db8:0:0:0:0:2:1': '2001:db8::2:1',
    '2001:db8:0:1:1:1:1:1': '2001:db8:0:1:1:1:1:1', // a single group is not shortened
    '2001:0:0:1:0:0:0:1': '2001:0:0:1::1', // the longest run
    '2001:db8:0:0:1:0:0:1': '2001:db8::1:0:0:1', // the first of two equal runs
    '2001:DB8::ABCD': '2001:db8::abcd',
    '::': '::',
    '::1': '::1',
    'fe80::': 'fe80::',
    '::ffff:192.0.2.1': '192.0.2.1',
    '192.0.2.255': '192.0.2.255',
    '255.255.255.255': '255.255.255.255',
  };
  for (const [text, expected] of Object.entries(examples)) assert.equal(formatAddress(parseAddress(text)!), expected);
});

test('parseAddress() refuses what is no address', () => {
  const refused = [
    '',
    '1.2.3',
    '1.2.3.256',
    '1.2.3.04',
    '1.2.3.4.5',
    ':',
    ':::',
    '1::2::3',
    '1:2:3:4:5:6:7',
    'fe80::1%lo',
  ];
  const more = ['1:2:3:4:5:6:7:8:9', '12345::', 'g::', '::1.2.3', '1.2.3.4::', '1:2:3:4:5:6:7::8', ' ::1'];
  for (const text of [...refused, ...more]) assert.equal(parseAddress(text), undefined, text);
});

test('parseAddress() takes back every text of formatAddress(), and both agree with Node', () => {
  const words = fc.int32Array({ minLength: 4, maxLength: 4 });
  const sparse = fc.array(fc.constantFrom(0, 1, 0xffff, -1, 0x10000), { minLength: 4, maxLength: 4 });
  fc.assert(
    fc.property(fc.oneof(words, sparse), (values) => {
      const address = Int32Array.from(values);
      const text = formatAddress(address);
      assert.deepEqual(parseAddress(text), address);
      assert.ok(isIPv4(text) || isIPv6(text), text);
    }),
  );
});

test('parseAddress() accepts no text that Node refuses', () => {
  const soup = fc.string({ unit: fc.constantFrom(':', '.', '1', '0', 'f', '255', '::', 'ffff'), maxLength: 20 });
  fc.assert(
    fc.property(soup, (text) => {
      if (parseAddress(text) !== undefined) assert.ok(isIPv4(text) || isIPv6(text), text);
    }),
    { numRuns: 2000 },
  );
});

test('addresses are classified by their prefix', () => {
  const is = (check: (words: Int32Array) => boolean, text: string): boolean => check(parseAddress(text)!);
  assert.ok(
    is(isLoopback, '127.255.0.1') && is(isLoopback, '::1') && !is(isLoopback, '128.0.0.1') && !is(isLoopback, '::'),
  );
  assert.ok(is(isMulticast, '224.0.0.1') && is(isMulticast, '239.9.9.9') && is(isMulticast, 'ff02::1'));
  assert.ok(is(isMulticast, '255.255.255.255') && !is(isMulticast, '240.0.0.1') && !is(isMulticast, 'fe02::1'));
  assert.ok(is(isLinkLocal, 'fe80::1') && is(isLinkLocal, 'febf::1') && !is(isLinkLocal, 'fec0::1'));
  assert.ok(is(isUnspecified, '0.0.0.0') && is(isUnspecified, '::') && !is(isUnspecified, '::1'));
});

test('addressBytes() gives 4 octets for IPv4 and 16 for IPv6, in network order', () => {
  assert.deepEqual([...addressBytes(parseAddress('192.0.2.1')!)], [192, 0, 2, 1]);
  assert.deepEqual([...addressBytes(parseAddress('2001:db8::ff')!)], [0x20, 1, 13, 0xb8, ...Array(11).fill(0), 255]);
});
