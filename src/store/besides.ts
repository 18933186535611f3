import type { CaptureCounters } from '../core/tick.ts';
import type { Us } from '../core/time.ts';
import type { ShareSink } from './flow-share.ts';
import { bucketOf, Captured } from './rollup-tables.ts';
import type { Sqlite, Statement } from './sqlite.ts';

const SELECT = `SELECT not_ip_packets, not_ip_bytes, duplicate_packets, duplicate_bytes, bad_packets, bad_bytes,
  kernel_drops, interface_drops FROM capture WHERE id = ?`;

/** What a capture counts outside of flows, by minute: the difference between its totals and those that are stored. */
export class Besides {
  readonly #stored: Statement<(number | null)[]>;
  readonly #capture: number;

  constructor(db: Sqlite, capture: number) {
    this.#stored = db.prepare(SELECT).raw() as Statement<(number | null)[]>;
    this.#capture = capture;
  }

  /** Call it before the totals are stored. */
  share(c: CaptureCounters, atUs: Us, sink: ShareSink): void {
    const stored = this.#stored.get(this.#capture)!;
    const since = (total: number | null, i: number): number => (total ?? 0) - (stored[i] ?? 0);
    const add = (kind: number, packets: number, bytes: number): void =>
      sink.captured([bucketOf('minute', atUs), kind], [0, packets, bytes, 0]);
    add(Captured.NotIp, since(c.notIpPackets, 0), since(c.notIpBytes, 1));
    add(Captured.Duplicate, since(c.duplicatePackets, 2), since(c.duplicateBytes, 3));
    add(Captured.Malformed, since(c.badPackets, 4), since(c.badBytes, 5));
    add(Captured.KernelDrop, since(c.kernelDrops, 6), 0);
    add(Captured.InterfaceDrop, since(c.interfaceDrops, 7), 0);
  }
}
