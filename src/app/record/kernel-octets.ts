import type { Link } from '../../linux/route.ts';

/**
 * Octets that the kernel itself counted at the interfaces of the own namespace since begin(): received and sent. A packet
 * of a loopback is both, and captured once: only what was received counts there.
 */
export class KernelOctets {
  readonly #list: () => Iterable<Pick<Link, 'ifindex' | 'loopback' | 'stats'>>;
  readonly #before = new Map<number, number>();
  readonly #latest = new Map<number, number>(); // of those that are gone what was read last

  constructor(list: () => Iterable<Pick<Link, 'ifindex' | 'loopback' | 'stats'>>) {
    this.#list = list;
  }

  begin(): void {
    this.#readInto(this.#before);
  }

  read(): void {
    this.#readInto(this.#latest);
  }

  /** As of the last read(). null: not known, or the interface began to count anew. */
  of(ifindex: number): number | null {
    const latest = this.#latest.get(ifindex);
    if (latest === undefined) return null;
    const octets = latest - (this.#before.get(ifindex) ?? 0); // one that came later counts from 0
    return octets < 0 ? null : octets;
  }

  #readInto(octets: Map<number, number>): void {
    for (const { ifindex, loopback, stats } of this.#list()) {
      if (stats !== null) octets.set(ifindex, stats.rxBytes + (loopback ? 0 : stats.txBytes));
    }
  }
}
