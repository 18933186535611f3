import type { Answer } from '../../attribution/attribute.ts';
import { type FlowColumns, FlowFlag } from '../../core/flow.ts';

/** What a file holds in all: nothing is kept of a flow but whether it has a name, and its size while that may change. */
export class FlowTotals {
  #flows = 0;
  #ipBytes = 0;
  readonly #open = new Map<number, number>(); // serial: ipBytes, of flows of which another row may come
  #named = new Uint8Array(1024); // by serial: bits of sides with a process

  /** @param rows 'last': these flows have no other row, 'some': later rows replace these */
  addFlows(flows: FlowColumns, rows: 'last' | 'some'): void {
    const { serial, flags, origIpBytes, replyIpBytes, count } = flows;
    for (let i = 0; i < count; i++) {
      const ipBytes = origIpBytes[i]! + replyIpBytes[i]!;
      this.#ipBytes += ipBytes;
      if ((flags[i]! & FlowFlag.New) !== 0) this.#flows++;
      if (rows === 'last') continue;
      this.#ipBytes -= this.#open.get(serial[i]!) ?? 0;
      this.#open.set(serial[i]!, ipBytes);
    }
  }

  addAnswer(serial: number, side: number, { process }: Answer): void {
    if (process === null && serial >= this.#named.length) return;
    while (serial >= this.#named.length) {
      const named = new Uint8Array(this.#named.length * 2);
      named.set(this.#named);
      this.#named = named;
    }
    if (process === null) this.#named[serial]! &= ~(1 << side);
    else this.#named[serial]! |= 1 << side;
  }

  /** A flow is named when a process stands at any of its ends. */
  totals(): { flows: number; ipBytes: number; namedFlows: number } {
    const namedFlows = this.#named.reduce((sum, sides) => sum + (sides === 0 ? 0 : 1), 0);
    return { flows: this.#flows, ipBytes: this.#ipBytes, namedFlows };
  }
}
