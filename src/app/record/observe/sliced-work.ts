/** How long work may keep the event loop busy at a stretch, in milliseconds. */
const SLICE_MS = 10;

/**
 * Long work of the main thread, in the order in which it came, in slices: between two of them messages and signals are
 * served. Each `yield` is a place where it may pause.
 */
export class SlicedWork {
  readonly #queue: Iterator<unknown>[] = [];
  readonly #nowMs: () => number;
  readonly #later: (run: () => void) => void;
  #runs = false;

  constructor(nowMs: () => number = () => performance.now(), later: (run: () => void) => void = setImmediate) {
    this.#nowMs = nowMs;
    this.#later = later;
  }

  /** Begins at once when nothing else waits. */
  add(work: Iterable<unknown>): void {
    this.#queue.push(work[Symbol.iterator]());
    if (!this.#runs) this.#run();
  }

  readonly #run = (): void => {
    this.#runs = true; // while it runs, add() only queues
    const until = this.#nowMs() + SLICE_MS;
    for (let first = this.#queue[0]; first !== undefined; first = this.#queue[0]) {
      if (first.next().done === true) this.#queue.shift();
      else if (this.#nowMs() >= until) {
        this.#later(this.#run);
        return;
      }
    }
    this.#runs = false;
  };
}
