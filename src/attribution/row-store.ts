import { grown } from '../core/arrays.ts';
import { type ColumnSpec, type Columns, createColumns, pushRow } from '../core/columns.ts';

/** Columns whose rows are freed and used again, so that a table that runs for months does not grow. */
export class RowStore<S extends ColumnSpec> {
  readonly columns: Columns<S>;
  readonly #free: number[] = [];
  #live: Uint8Array<ArrayBuffer> = new Uint8Array(64);

  constructor(spec: S) {
    this.columns = createColumns(spec);
  }

  get size(): number {
    return this.columns.count - this.#free.length;
  }

  /** @returns a row whose columns hold what the last user left: set every one */
  take(): number {
    const row = this.#free.pop() ?? pushRow(this.columns);
    if (row >= this.#live.length) this.#live = grown(this.#live, new Uint8Array(this.columns.capacity));
    this.#live[row] = 1;
    return row;
  }

  free(row: number): void {
    this.#live[row] = 0;
    this.#free.push(row);
  }

  isLive(row: number): boolean {
    return this.#live[row] === 1;
  }

  *rows(): Generator<number> {
    for (let row = 0; row < this.columns.count; row++) if (this.#live[row] === 1) yield row;
  }
}
