import type { FactsMessage } from './messages.ts';

/** Rows that may wait for main, some 40 MB. Beyond that facts are lost, and said to be: memory is not the queue. */
const MOST_ROWS = 1 << 18;

/** How many rows of facts main was sent and has not taken yet. In shared memory, so that nobody has to answer. */
export class FactBacklog {
  readonly shared: SharedArrayBuffer;
  readonly #rows: Int32Array;

  /** @param shared of the one that another thread made */
  constructor(shared = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)) {
    this.shared = shared;
    this.#rows = new Int32Array(shared);
  }

  get isFull(): boolean {
    return Atomics.load(this.#rows, 0) > MOST_ROWS;
  }

  sent(facts: FactsMessage): void {
    Atomics.add(this.#rows, 0, rowsOf(facts));
  }

  taken(facts: FactsMessage): void {
    Atomics.sub(this.#rows, 0, rowsOf(facts));
  }
}

function rowsOf({ sockets, holders, owners, closed, processes }: FactsMessage): number {
  return sockets.count + holders.count + owners.count + closed.count + processes.length;
}
