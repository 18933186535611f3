import type { PacketBatch } from '../../core/packet.ts';

export interface IfindexCount {
  readonly ifindex: number; // 0: the source does not know
  readonly packets: number;
  readonly bytes: number; // frame.len
}

/** Packets and octets per interface, as they came out of the ring. */
export class InterfaceCounts {
  readonly #counts = new Map<number, { packets: number; bytes: number }>();

  add(batch: PacketBatch): void {
    let ifindex = -1;
    let counts = { packets: 0, bytes: 0 };
    for (let i = 0; i < batch.count; i++) {
      if (batch.ifindex[i] !== ifindex) {
        ifindex = batch.ifindex[i]!;
        counts = this.#of(ifindex);
      }
      counts.packets++;
      counts.bytes += batch.origLen[i]!;
    }
  }

  list(): readonly IfindexCount[] {
    return [...this.#counts].map(([ifindex, counts]) => ({ ifindex, ...counts }));
  }

  #of(ifindex: number): { packets: number; bytes: number } {
    const known = this.#counts.get(ifindex);
    if (known !== undefined) return known;
    const created = { packets: 0, bytes: 0 };
    this.#counts.set(ifindex, created);
    return created;
  }
}
