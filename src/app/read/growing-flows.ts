import { type FlowColumns, FlowFlag } from '../../core/flow.ts';

/**
 * Decides which flows somebody who waits for them should see, while the input still grows: each one at once when it
 * begins, and again when it is quiet or over, if it has grown since. The last line of a flow is the whole of it.
 */
export class GrowingFlows {
  readonly #shown = new Map<number, number>(); // serial: packets when it was shown
  readonly #waiting = new Map<number, number>(); // serial: packets now

  /** Takes the flows of a drain, about one a second. @returns serials to show, in order of their beginning */
  take(flows: FlowColumns): readonly number[] {
    const due: number[] = [];
    const quiet = new Set(this.#waiting.keys());
    for (let i = 0; i < flows.count; i++) {
      const serial = flows.serial[i]!;
      const packets = flows.origPackets[i]! + flows.replyPackets[i]!;
      quiet.delete(serial);
      this.#waiting.set(serial, packets);
      if (!this.#shown.has(serial) || (flows.flags[i]! & FlowFlag.Ended) !== 0) due.push(serial);
    }
    return [...due, ...quiet].filter((serial) => this.#show(serial)).sort((a, b) => a - b);
  }

  #show(serial: number): boolean {
    const packets = this.#waiting.get(serial) ?? 0;
    this.#waiting.delete(serial);
    if (this.#shown.get(serial) === packets) return false;
    this.#shown.set(serial, packets);
    return true;
  }
}
