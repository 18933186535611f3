/**
 * From ids that a sender counts within one recording to rows of the database.
 *
 * Most rows are new and get `base + id`, so a recording of months needs no memory for them; only things that
 * the file knew already are remembered one by one.
 */
export class IdMap {
  readonly #base: number;
  readonly #known = new Map<number, number>();
  #added: number[] = []; // in the transaction that is open

  /** @param base largest row id of the table when the capture began */
  constructor(base: number) {
    this.#base = base;
  }

  row(id: number): number {
    return this.#known.get(id) ?? this.#base + id;
  }

  /** The row of `id`, or null for id 0. */
  rowOrNull(id: number): number | null {
    return id === 0 ? null : this.row(id);
  }

  alias(id: number, row: number): void {
    this.#known.set(id, row);
    this.#added.push(id);
  }

  commit(): void {
    this.#added = [];
  }

  /** Forgets aliases of a transaction that was rolled back: their rows may be gone. */
  rollback(): void {
    for (const id of this.#added) this.#known.delete(id);
    this.#added = [];
  }
}
