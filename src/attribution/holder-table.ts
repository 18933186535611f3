import type { HolderColumns } from '../core/process.ts';
import { RowIndex } from '../core/row-index.ts';
import type { Us } from '../core/time.ts';
import { mixHash } from '../core/tuple.ts';
import { RowStore } from './row-store.ts';

const HOLDER_FACTS = { inode: 'f64', pid: 'u32', startTicks: 'f64', fromUs: 'f64', toUs: 'f64' } as const;

/** Which processes held which socket inode, with the interval in which scans saw it. */
export class HolderTable {
  readonly #store = new RowStore(HOLDER_FACTS);
  readonly facts = this.#store.columns;
  readonly #byInode = new RowIndex();

  get size(): number {
    return this.#store.size;
  }

  /** Calls `onChange` with every inode that gained a holder. */
  observe(seen: HolderColumns, onChange: (inode: number) => void): void {
    for (let i = 0; i < seen.count; i++) {
      const row = this.#find(seen.inode[i]!, seen.pid[i]!, seen.startTicks[i]!);
      if (row !== -1) {
        this.facts.toUs[row] = Math.max(this.facts.toUs[row]!, seen.seenUs[i]!);
        continue;
      }
      this.#add(seen, i);
      onChange(seen.inode[i]!);
    }
  }

  /** Rows of the processes that held `inode` at some moment since `sinceUs`. */
  of(inode: number, sinceUs: Us): readonly number[] {
    const rows: number[] = [];
    for (let row = this.#byInode.first(mixHash(inode | 0)); row !== -1; row = this.#byInode.next(row)) {
      if (this.facts.inode[row] === inode && this.facts.toUs[row]! >= sinceUs) rows.push(row);
    }
    return rows;
  }

  /** Adds the pids of all holders. */
  collectPids(into: Set<number>): void {
    for (const row of this.#store.rows()) into.add(this.facts.pid[row]!);
  }

  forget(beforeUs: Us): void {
    for (const row of this.#store.rows()) {
      if (this.facts.toUs[row]! >= beforeUs) continue;
      this.#byInode.remove(row);
      this.#store.free(row);
    }
  }

  #find(inode: number, pid: number, startTicks: number): number {
    const { facts } = this;
    for (let row = this.#byInode.first(mixHash(inode | 0)); row !== -1; row = this.#byInode.next(row)) {
      if (facts.inode[row] === inode && facts.pid[row] === pid && facts.startTicks[row] === startTicks) return row;
    }
    return -1;
  }

  #add(seen: HolderColumns, i: number): void {
    const row = this.#store.take();
    this.facts.inode[row] = seen.inode[i]!;
    this.facts.pid[row] = seen.pid[i]!;
    this.facts.startTicks[row] = seen.startTicks[i]!;
    this.facts.fromUs[row] = seen.seenUs[i]!;
    this.facts.toUs[row] = seen.seenUs[i]!;
    this.#byInode.add(mixHash(seen.inode[i]! | 0), row);
  }
}
