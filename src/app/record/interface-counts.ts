import type { PacketBatch } from '../../core/packet.ts';

export interface IfindexCount {
  readonly netns: number; // index of the namespace as in PacketBatch; in a report its inode
  readonly ifindex: number; // 0: the source does not know
  readonly packets: number;
  readonly bytes: number; // frame.len
}

/** Packets and octets per interface, as they came out of the ring. */
export class InterfaceCounts {
  readonly #counts = new Map<number, { packets: number; bytes: number }>(); // netns * 2^32 + ifindex

  readonly #isCounted: (ifindex: number) => boolean;

  /** @param isCounted bounds how many there are where packets choose their number: cooked ones in a file */
  constructor(isCounted: (ifindex: number) => boolean = () => true) {
    this.#isCounted = isCounted;
  }

  add(batch: PacketBatch): void {
    let ifindex = -1;
    let counts = { packets: 0, bytes: 0 };
    for (let i = 0; i < batch.count; i++) {
      if (batch.ifindex[i] !== ifindex) {
        ifindex = batch.ifindex[i]!;
        counts = this.#isCounted(ifindex) ? this.#of(batch.netns, ifindex) : { packets: 0, bytes: 0 };
      }
      counts.packets++;
      counts.bytes += batch.origLen[i]!;
    }
  }

  list(): readonly IfindexCount[] {
    return [...this.#counts].map(([key, counts]) => ({
      netns: Math.floor(key / 2 ** 32),
      ifindex: key % 2 ** 32,
      ...counts,
    }));
  }

  #of(netns: number, ifindex: number): { packets: number; bytes: number } {
    const key = netns * 2 ** 32 + ifindex;
    const known = this.#counts.get(key);
    if (known !== undefined) return known;
    const created = { packets: 0, bytes: 0 };
    this.#counts.set(key, created);
    return created;
  }
}
