import { grown } from '../../core/arrays.ts';
import type { Us } from '../../core/time.ts';

/** What the history says of the sockets of a table, by its row. Columns: a storm has 5,000 sockets a second. */
export class ToldSockets {
  id = new Float64Array(64); // in the history; 0: nothing is told of that row
  toUs = new Float64Array(64);
  process = new Float64Array(64); // 0: none or several
  holders = new Uint32Array(64); // told of
  beginUs = new Float64Array(64); // CLOCK_BOOTTIME: of its latest row, since the clock was set last
  role = new Uint8Array(64); // of that process, index of ROLES: the strongest that it was told with
  hasTotals = new Uint8Array(64); // 1: told with what it carried

  isTold(row: number): boolean {
    return row < this.id.length && this.id[row] !== 0;
  }

  /** The row is given to another socket. */
  forget(row: number): void {
    if (row < this.id.length) this.id[row] = 0;
  }

  /** @returns whether it was told already with that process and so many holders */
  says(row: number, process: number, holders: number): boolean {
    return this.isTold(row) && this.process[row] === process && this.holders[row]! >= holders;
  }

  /**
   * @param role of the process, as facts alone say. An answer knows more: who alone can have sent acted, whatever the kernel
   *   told. So it is never told weaker than before.
   * @returns index of the role that is told
   */
  noteRole(row: number, process: number, role: number): number {
    if (row >= this.id.length) this.#grow(row);
    const before = this.isTold(row) && this.process[row] === process ? this.role[row]! : 0;
    this.role[row] = before === 0 || role === 0 ? role : Math.min(before, role);
    return this.role[row]!;
  }

  note(row: number, id: number, toUs: Us, process: number, holders: number, beginUs: Us): void {
    if (row >= this.id.length) this.#grow(row);
    this.id[row] = id;
    this.toUs[row] = toUs;
    this.process[row] = process;
    this.holders[row] = holders;
    this.beginUs[row] = beginUs;
  }

  #grow(row: number): void {
    const size = 2 ** Math.ceil(Math.log2(row + 1));
    this.id = grown(this.id, new Float64Array(size));
    this.toUs = grown(this.toUs, new Float64Array(size));
    this.process = grown(this.process, new Float64Array(size));
    this.holders = grown(this.holders, new Uint32Array(size));
    this.beginUs = grown(this.beginUs, new Float64Array(size));
    this.role = grown(this.role, new Uint8Array(size));
    this.hasTotals = grown(this.hasTotals, new Uint8Array(size));
  }
}
