import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createPacketBatch } from '../../../src/core/packet.ts';
import { PcapngClock } from '../../../src/pcap/pcapng-time.ts';

const BINARY = 0x80;

function timeOf(clock: PcapngClock, units: bigint): readonly [number, number] {
  const batch = createPacketBatch(1, 1);
  clock.put(batch, 0, Number(units >> 32n), Number(units & 0xffffffffn));
  return [batch.sec[0]!, batch.nsec[0]!];
}

test('PcapngClock is exact to the nanosecond in every unit, for any order of times', () => {
  const powers = fc.oneof(
    fc.nat(20),
    fc.nat(63).map((power) => BINARY | power),
  );
  const times = fc.array(fc.record({ sec: fc.nat(0xffffffff), part: fc.bigInt(0n, 2n ** 63n) }), {
    minLength: 1,
    maxLength: 8,
  });
  fc.assert(
    fc.property(powers, times, (resolution, all) => {
      const clock = new PcapngClock(resolution, 0);
      const perSecond = resolution & BINARY ? 2n ** BigInt(resolution & 127) : 10n ** BigInt(resolution);
      for (const { sec, part } of all) {
        const units = BigInt.asUintN(64, BigInt(sec) * perSecond + (part % perSecond));
        const seconds = units / perSecond;
        const nanoseconds = ((units % perSecond) * 1_000_000_000n) / perSecond;
        assert.deepEqual(
          timeOf(clock, units),
          [Number(seconds), Number(nanoseconds)].map((n, i) => (seconds > 0xffffffffn ? [0xffffffff, 0][i] : n)),
        );
      }
    }),
    { numRuns: 500 },
  );
});

test('PcapngClock adds the offset of the interface, and keeps to the years that a batch can hold', () => {
  assert.deepEqual(timeOf(new PcapngClock(6, 1000), 5_000_001n), [1005, 1000]);
  assert.deepEqual(timeOf(new PcapngClock(6, -1000), 5_000_001n), [0, 0]);
  assert.deepEqual(timeOf(new PcapngClock(6, 2 ** 33), 5_000_001n), [0xffffffff, 0]);
  assert.deepEqual(timeOf(new PcapngClock(127, 0), 2n ** 64n - 1n), [0, 0]);
});
