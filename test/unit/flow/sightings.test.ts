import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createDecodedBatch } from '../../../src/core/decoded.ts';
import { Decoder } from '../../../src/decode/decode-batch.ts';
import { E_SIGHTINGS, ENTRY_SHIFT } from '../../../src/flow/flow-entries.ts';
import { FlowLife } from '../../../src/flow/flow-life.ts';
import { type DirectionCount, Sightings } from '../../../src/flow/sightings.ts';
import { datagram } from '../../support/flows.ts';
import { packetBatch } from '../../support/packets.ts';

const inline = (packets: number): DirectionCount => ({
  packets,
  bytes: packets * 100,
  ipBytes: packets * 80,
  duplicatePackets: 0,
  duplicateBytes: 0,
});

describe('Sightings', () => {
  test('Sightings counts the largest sighting and takes the others for duplicates', () => {
    const sightings = new Sightings();
    let chain = 0;
    for (const ifindex of [2, 2, 2, 3]) chain = sightings.count(chain, 0, ifindex, 110, 90);
    const count = inline(2);
    sightings.settle(chain, 0, count);
    assert.deepEqual(count, { packets: 3, bytes: 330, ipBytes: 270, duplicatePackets: 3, duplicateBytes: 310 });
  });

  test('Sightings keeps the first interface when another one saw as much', () => {
    const sightings = new Sightings();
    const chain = sightings.count(sightings.count(0, 0, 2, 110, 90), 0, 2, 110, 90);
    const count = inline(2);
    sightings.settle(chain, 0, count);
    assert.deepEqual([count.bytes, count.duplicateBytes], [200, 220]);
  });

  test('Sightings keeps directions apart', () => {
    const sightings = new Sightings();
    let chain = sightings.count(0, 0, 2, 1, 1);
    chain = sightings.count(chain, 1, 2, 1, 1);
    const count = inline(5);
    sightings.settle(chain, 1, count);
    assert.equal(count.duplicatePackets, 1);
  });

  test('Sightings counts all interfaces after the fourth as duplicates, however much they saw', () => {
    const sightings = new Sightings();
    let chain = 0;
    for (const ifindex of [2, 3, 4]) chain = sightings.count(chain, 0, ifindex, 1, 1);
    for (let i = 0; i < 50; i++) chain = sightings.count(chain, 0, 5 + (i % 10), 1, 1);
    const count = inline(1);
    sightings.settle(chain, 0, count);
    assert.deepEqual([count.packets, count.duplicatePackets], [1, 53]);
  });

  test('Sightings uses released rows again', () => {
    const sightings = new Sightings();
    for (let i = 0; i < 1000; i++) sightings.release(sightings.count(sightings.count(0, 0, 2, 1, 1), 1, 2, 1, 1));
    assert.equal(sightings.size, 3);
  });

  test('Sightings keeps all counts when it grows', () => {
    const sightings = new Sightings();
    const chains = Array.from({ length: 1000 }, (_, i) => sightings.count(0, 0, 2, i, 0));
    for (const [i, chain] of chains.entries()) {
      const count = inline(0);
      sightings.settle(chain, 0, count);
      assert.equal(count.bytes, i);
    }
  });
});

test('FlowLife releases the sightings of flows that leave', () => {
  const options = {
    capacity: 10,
    idleTcpUs: 1,
    idleOtherUs: 1,
    activeUs: 1,
    lingerUs: 1,
    byMinute: false,
    longLivedUs: 1,
    mostRows: 1000,
    fresh: false,
    seed: 0,
    severalNetns: false,
    netnsInode: () => 0,
    netnsIndex: () => 0,
  };
  const life = new FlowLife(options);
  for (let port = 0; port < 1000; port++) {
    const batch = packetBatch([datagram(port, port)]);
    const decoded = createDecodedBatch(1);
    new Decoder().decode(batch, decoded);
    const way = life.create(port, batch, decoded, 0);
    const at = ((way >> 1) << ENTRY_SHIFT) + E_SIGHTINGS;
    life.entries.words[at] = life.sightings.count(life.entries.words[at]!, 0, 9, 1, 1);
  }
  assert.equal(life.evicted, 990);
  assert.ok(life.sightings.size <= 12);
});
