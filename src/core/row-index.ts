import { freeOutgrown, grown } from './arrays.ts';

/** Marks in the list of previous rows: first of its bucket, and in no bucket. */
const HEAD = -1;
const ABSENT = -2;

/**
 * Rows of a column table by a 32-bit hash: buckets with chains in typed arrays. The caller compares the rows.
 * A row leaves in one step, however long its chain: thousands of flows may share a port or a socket.
 */
export class RowIndex {
  #heads = new Int32Array(64).fill(-1); // bucket -> first row
  #next = new Int32Array(64); // row -> next row of the bucket, -1: none
  #previous = new Int32Array(64).fill(ABSENT); // row -> the one before it
  #hash = new Int32Array(64); // row -> its hash, so that growing needs no caller
  #count = 0;

  /** The row must not be in here. */
  add(hash: number, row: number): void {
    if (row >= this.#next.length) this.#growRows(row);
    if (this.#count >= this.#heads.length) this.#growBuckets();
    this.#hash[row] = hash;
    this.#link(hash & (this.#heads.length - 1), row);
    this.#count++;
  }

  /** Does nothing when the row is not in here. */
  remove(row: number): void {
    const previous = row < this.#previous.length ? this.#previous[row]! : ABSENT;
    if (previous === ABSENT) return;
    const next = this.#next[row]!;
    if (previous === HEAD) this.#heads[this.#hash[row]! & (this.#heads.length - 1)] = next;
    else this.#next[previous] = next;
    if (next !== -1) this.#previous[next] = previous;
    this.#previous[row] = ABSENT;
    this.#count--;
  }

  /** First row of that hash, newest first; -1: none. Other hashes of the same bucket are passed over. */
  first(hash: number): number {
    return this.#skip(this.#heads[hash & (this.#heads.length - 1)]!, hash | 0);
  }

  next(row: number): number {
    return this.#skip(this.#next[row]!, this.#hash[row]!);
  }

  #skip(row: number, hash: number): number {
    let at = row;
    while (at !== -1 && this.#hash[at] !== hash) at = this.#next[at]!;
    return at;
  }

  #link(bucket: number, row: number): void {
    const head = this.#heads[bucket]!;
    this.#next[row] = head;
    this.#previous[row] = HEAD;
    if (head !== -1) this.#previous[head] = row;
    this.#heads[bucket] = row;
  }

  #growRows(row: number): void {
    const length = Math.max(this.#next.length * 2, row + 1);
    const known = this.#next.length;
    this.#next = grown(this.#next, new Int32Array(length));
    this.#previous = grown(this.#previous, new Int32Array(length)).fill(ABSENT, known);
    this.#hash = grown(this.#hash, new Int32Array(length));
  }

  #growBuckets(): void {
    const old = this.#heads;
    this.#heads = new Int32Array(old.length * 2).fill(-1);
    const mask = this.#heads.length - 1;
    for (const head of old) {
      for (let row = head; row !== -1; ) {
        const next = this.#next[row]!;
        this.#link(this.#hash[row]! & mask, row);
        row = next;
      }
    }
    freeOutgrown([old.buffer]);
  }
}
