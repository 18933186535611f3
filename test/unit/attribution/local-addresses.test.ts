import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LocalAddresses } from '../../../src/attribution/local-addresses.ts';
import { parseAddress } from '../../../src/core/address.ts';

const OWN = 100;
const POD = 200;
const at = (text: string): Int32Array => parseAddress(text)!;

function setUp(own = OWN) {
  const addresses = new LocalAddresses(own);
  addresses.replace([at('192.0.2.1'), at('2001:db8::1')], [at('192.0.2.255')]);
  const classify = (netns: number, ...texts: readonly string[]): string[] =>
    texts.map((text) => addresses.classify(netns, at(text), 0));
  return { addresses, classify };
}

test('LocalAddresses tells own addresses, groups and those of others apart', () => {
  const t = setUp();
  const texts = ['192.0.2.1', '2001:db8::1', '127.9.9.9', '::1', '192.0.2.255', '224.0.0.1', 'ff02::1', '192.0.2.2'];
  const expected = ['local', 'local', 'local', 'local', 'multicast', 'multicast', 'multicast', 'remote'];
  assert.deepEqual(t.classify(OWN, ...texts), expected);
  assert.deepEqual(t.classify(0, ...texts), expected, 'a namespace that is not known is the own one');
});

test('LocalAddresses knows of other namespaces what sockets had, or what was listed', () => {
  const t = setUp();
  assert.deepEqual(t.classify(POD, '192.0.2.1', '127.0.0.1', '172.17.0.2'), ['remote', 'local', 'remote']);
  assert.ok(t.addresses.isElsewhere(POD, at('192.0.2.1'), 0));
  t.addresses.learn(POD, at('172.17.0.2'), 0, 50);
  for (const text of ['224.0.0.1', '127.0.0.1', '0.0.0.0']) t.addresses.learn(POD, at(text), 0, 50);
  assert.deepEqual(t.classify(POD, '172.17.0.2'), ['local']);
  assert.deepEqual(t.classify(OWN, '172.17.0.2'), ['remote']);
  assert.deepEqual(
    [OWN, POD].map((netns) => t.addresses.isElsewhere(netns, at('172.17.0.2'), 0)),
    [true, false],
  );
  assert.ok(!t.addresses.isElsewhere(OWN, at('0.0.0.0'), 0));
  t.addresses.replace([at('172.17.0.3')], [], POD);
  assert.deepEqual(t.classify(POD, '172.17.0.2', '172.17.0.3'), ['remote', 'local'], 'a list is complete');
});

test('LocalAddresses forgets what no socket has had for a while, and learns no end of them', () => {
  const t = setUp();
  t.addresses.learn(POD, at('172.17.0.2'), 0, 50);
  t.addresses.forget(51);
  assert.deepEqual(t.classify(POD, '172.17.0.2'), ['remote']);
  for (let n = 0; n < 20_000; n++) t.addresses.learn(POD, Int32Array.of(0, 0, 0xffff, 0x0a000000 + n), 0, 60);
  assert.deepEqual(t.classify(POD, '10.0.0.1', '10.0.78.31'), ['local', 'remote']);
});

test('LocalAddresses keeps what a namespace had for its last flows when it goes', () => {
  const t = setUp();
  t.addresses.replace([at('172.17.0.3')], [], POD);
  t.addresses.leave(POD, 50);
  assert.ok(!t.addresses.isListed(POD));
  assert.deepEqual(t.classify(POD, '172.17.0.3'), ['local']);
  t.addresses.forget(51);
  assert.deepEqual(t.classify(POD, '172.17.0.3'), ['remote']);
  t.addresses.leave(OWN, 60);
  assert.deepEqual(t.classify(OWN, '192.0.2.1'), ['local'], 'the own one stays');
});

test('LocalAddresses takes every namespace for its own where that is not known', () => {
  const t = setUp(0);
  assert.deepEqual(t.classify(POD, '192.0.2.1'), ['local']);
  t.addresses.learn(POD, at('172.17.0.2'), 0, 50);
  assert.ok(!t.addresses.isElsewhere(OWN, at('172.17.0.2'), 0));
  t.addresses.replace([at('172.17.0.3')], [], POD);
  assert.deepEqual(t.classify(OWN, '192.0.2.1'), ['local'], 'another list is not its own');
});
