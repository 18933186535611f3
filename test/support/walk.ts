/** Octets of a whole file as a walker sees them when they lie in one batch. */
import { createPacketBatch, type PacketBatch } from '../../src/core/packet.ts';
import { PcapngWalker } from '../../src/pcap/pcapng.ts';
import type { Stretch } from '../../src/pcap/stretch.ts';

export interface Walked {
  readonly walker: PcapngWalker;
  readonly batch: PacketBatch;
  readonly stretch: Stretch;
  /** Seconds and nanoseconds of a row. */
  time(row: number): readonly [number, number];
}

export function walkPcapng(file: Uint8Array, capacity = 20): Walked {
  const batch = createPacketBatch(capacity, Math.max(file.length, 1000));
  batch.bytes.set(file);
  const stretch: Stretch = { from: 0, have: file.length, skip: 0, damage: undefined };
  const walker = new PcapngWalker();
  walker.walk(stretch, batch);
  return { walker, batch, stretch, time: (row) => [batch.sec[row]!, batch.nsec[row]!] };
}
