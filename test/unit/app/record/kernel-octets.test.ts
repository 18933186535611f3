import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KernelOctets } from '../../../../src/app/record/kernel-octets.ts';

const link = (ifindex: number, rxBytes: number, txBytes: number, loopback = false) => ({
  ...{ ifindex, loopback },
  stats: { rxBytes, txBytes, rxPackets: 0, txPackets: 0, rxDropped: 0, txDropped: 0 },
});

test('KernelOctets gives what was received and sent since begin(), of a loopback what was received', () => {
  let links = [link(1, 100, 100, true), link(2, 1000, 500)];
  const octets = new KernelOctets(() => links);
  octets.begin();
  assert.equal(octets.of(2), null, 'not read yet');
  links = [link(1, 130, 130, true), link(2, 1007, 503), link(3, 40, 2)];
  octets.read();
  assert.deepEqual(
    [1, 2, 3, 4].map((ifindex) => octets.of(ifindex)),
    [30, 10, 42, null],
  );
});

test('KernelOctets keeps the last of an interface that is gone, and knows nothing of one that counts anew', () => {
  let links = [link(1, 100, 0), link(2, 100, 0)];
  const octets = new KernelOctets(() => links);
  octets.begin();
  links = [link(1, 150, 0), link(2, 5, 0)];
  octets.read();
  links = [link(2, 6, 0)];
  octets.read();
  assert.deepEqual([octets.of(1), octets.of(2)], [50, null]);
});
