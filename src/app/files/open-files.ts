/** Below the 1,024 descriptors that a process usually may have. */
const MOST = 256;

interface Restable {
  /** Closes the descriptor until the next write. */
  rest(): void;
}

/** Files that have a descriptor, where there may be more of them than descriptors: the one used longest ago gives its back. */
export class OpenFiles {
  readonly #files = new Set<Restable>(); // in the order of their use

  use(file: Restable): void {
    this.#files.delete(file);
    this.#files.add(file);
    if (this.#files.size <= MOST) return;
    const [oldest] = this.#files;
    this.drop(oldest!);
    oldest!.rest();
  }

  drop(file: Restable): void {
    this.#files.delete(file);
  }
}
