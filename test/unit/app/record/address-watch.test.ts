import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AddressWatch } from '../../../../src/app/record/address-watch.ts';
import { parseAddress } from '../../../../src/core/address.ts';

test('AddressWatch reads every two seconds and tells addresses that changed', () => {
  const now = { unicast: [parseAddress('192.0.2.1')!], broadcast: [parseAddress('192.0.2.255')!] };
  let reads = 0;
  const watch = new AddressWatch(() => {
    reads++;
    return now;
  });
  assert.equal(watch.changed(1_000_000), now);
  assert.equal(watch.changed(2_999_999), null);
  assert.equal(reads, 1);
  assert.equal(watch.changed(3_000_000), null);
  assert.equal(reads, 2);
  now.unicast.push(parseAddress('2001:db8::1')!);
  assert.equal(watch.changed(5_000_000), now);
  assert.equal(watch.has(parseAddress('2001:db8::1')!, 0), true);
  assert.equal(watch.has(parseAddress('192.0.2.255')!, 0), true);
  assert.equal(watch.has(parseAddress('192.0.2.2')!, 0), false);
});
