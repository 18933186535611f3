import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InterfaceCounts } from '../../../../src/app/record/interface-counts.ts';
import { packetBatch } from '../../../support/packets.ts';

const packets = [3, 3, 7, 3].map((ifindex) => ({ bytes: new Uint8Array(10), origLen: 100, ifindex }));

test('InterfaceCounts counts packets and octets of each interface of each namespace', () => {
  const counts = new InterfaceCounts();
  const batch = packetBatch(packets);
  counts.add(batch);
  batch.netns = 2;
  counts.add(batch);
  assert.deepEqual(counts.list(), [
    { netns: 0, ifindex: 3, packets: 3, bytes: 300 },
    { netns: 0, ifindex: 7, packets: 1, bytes: 100 },
    { netns: 2, ifindex: 3, packets: 3, bytes: 300 },
    { netns: 2, ifindex: 7, packets: 1, bytes: 100 },
  ]);
});

test('InterfaceCounts keeps nothing of interfaces that nobody asked for', () => {
  const counts = new InterfaceCounts((ifindex) => ifindex === 7);
  counts.add(packetBatch(packets));
  assert.deepEqual(counts.list(), [{ netns: 0, ifindex: 7, packets: 1, bytes: 100 }]);
});
