import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PacketRing } from '../../../../../src/app/record/write/packet-ring.ts';
import { datagram, OWN_NETNS, pushPackets } from '../../../../support/written-packets.ts';

test('batches come out as they went in, in both threads', () => {
  const written = new PacketRing(1 << 16);
  const read = new PacketRing(written.shared);
  const packets = [datagram(1, 1_000_001), { ...datagram(2, 2_000_002, 33), pktType: 4, linkType: 276 }];
  assert.equal(read.peek(), undefined);
  assert.ok(pushPackets(written, packets, [5, -(2 ** 40)], 77));
  const batch = read.peek()!;
  assert.deepEqual(
    [batch.count, batch.atUs, batch.netns, batch.lostBefore, [...batch.serial]],
    [2, 77, OWN_NETNS, 0, [5, -(2 ** 40)]],
  );
  const rows = packets.map((_, i) => ({
    bytes: new Uint8Array(batch.bytes.subarray(batch.offset[i], batch.offset[i]! + batch.capLen[i]!)),
    timeUs: batch.sec[i]! * 1e6 + batch.nsec[i]! / 1000,
    ifindex: batch.ifindex[i],
    pktType: batch.pktType[i],
    linkType: batch.linkType[i],
  }));
  assert.deepEqual(rows, [{ ...packets[0], pktType: 255, linkType: 1 }, packets[1]]);
  read.pop();
  assert.equal(read.peek(), undefined);
});

test('what finds no room is dropped as a whole and counted, also in front of what comes next', () => {
  const ring = new PacketRing(1 << 12);
  const large = [datagram(1, 0, 1500)];
  const results = [1, 2, 3, 4].map(() => pushPackets(ring, large, [1], 0));
  assert.deepEqual(results, [true, true, false, false]);
  assert.equal(ring.lost, 2);
  assert.equal(ring.isHalfFull, true);
  ring.pop();
  ring.pop();
  assert.equal(ring.isHalfFull, false);
  assert.ok(pushPackets(ring, large, [1], 0));
  assert.equal(ring.peek()!.lostBefore, 2);
  ring.pop();
  assert.ok(pushPackets(ring, large, [1], 0));
  assert.equal(ring.peek()!.lostBefore, 0);
});

test('any sequence of batches comes out in order, however it meets the end of the ring', () => {
  const ring = new PacketRing(1 << 12);
  let [pushed, popped, lost] = [0, 0, 0];
  for (let n = 0; n < 2000; n++) {
    const packets = Array.from({ length: 1 + (n % 3) }, () => datagram(1, n, (n * 37) % 500));
    if (
      pushPackets(
        ring,
        packets,
        packets.map(() => ++pushed),
        n,
      )
    ) {
      if (n % 5 < 2) continue;
    } else lost += packets.length;
    for (let batch = ring.peek(); batch !== undefined && n % 7 !== 0; batch = ring.peek()) {
      popped += batch.lostBefore;
      for (const serial of batch.serial) assert.equal(serial, ++popped);
      ring.pop();
    }
  }
  assert.ok(popped > 3000 && pushed - popped < 50, `${popped} of ${pushed}`);
  assert.equal(ring.lost, lost);
});

test('an empty ring begins anew, so that little traffic needs little memory', () => {
  const ring = new PacketRing(1 << 16);
  for (let n = 0; n < 10; n++) {
    assert.ok(pushPackets(ring, [datagram(1, 0)], [1], 0));
    assert.ok(pushPackets(ring, [datagram(1, 0)], [1], 0));
    for (let batch = ring.peek(); batch !== undefined; batch = ring.peek()) {
      assert.ok(batch.bytes.byteOffset < 700);
      ring.pop();
    }
  }
  assert.equal(ring.lost, 0);
});
