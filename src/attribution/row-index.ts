/** Rows of a column table by a 32-bit hash: buckets with chains in typed arrays. The caller compares the rows. */
export class RowIndex {
  #heads = new Int32Array(64).fill(-1); // bucket -> first row
  #next = new Int32Array(64); // row -> next row of the bucket, -1: none
  #hash = new Int32Array(64); // row -> its hash, so that growing needs no caller
  #count = 0;

  add(hash: number, row: number): void {
    if (row >= this.#next.length) this.#growRows(row);
    if (this.#count >= this.#heads.length) this.#growBuckets();
    const bucket = hash & (this.#heads.length - 1);
    this.#hash[row] = hash;
    this.#next[row] = this.#heads[bucket]!;
    this.#heads[bucket] = row;
    this.#count++;
  }

  remove(row: number): void {
    const bucket = this.#hash[row]! & (this.#heads.length - 1);
    let at = this.#heads[bucket]!;
    if (at === row) this.#heads[bucket] = this.#next[row]!;
    else {
      while (at !== -1 && this.#next[at] !== row) at = this.#next[at]!;
      if (at === -1) return; // was not in here
      this.#next[at] = this.#next[row]!;
    }
    this.#count--;
  }

  /** First row of that hash, newest first; -1: none. Other hashes of the same bucket are passed over. */
  first(hash: number): number {
    return this.#skip(this.#heads[hash & (this.#heads.length - 1)]!, hash);
  }

  next(row: number): number {
    return this.#skip(this.#next[row]!, this.#hash[row]!);
  }

  #skip(row: number, hash: number): number {
    let at = row;
    while (at !== -1 && this.#hash[at] !== (hash | 0)) at = this.#next[at]!;
    return at;
  }

  #growRows(row: number): void {
    const length = Math.max(this.#next.length * 2, row + 1);
    const next = new Int32Array(length);
    const hash = new Int32Array(length);
    next.set(this.#next);
    hash.set(this.#hash);
    this.#next = next;
    this.#hash = hash;
  }

  #growBuckets(): void {
    const old = this.#heads;
    this.#heads = new Int32Array(old.length * 2).fill(-1);
    const mask = this.#heads.length - 1;
    for (const head of old) {
      for (let row = head; row !== -1; ) {
        const next = this.#next[row]!;
        const bucket = this.#hash[row]! & mask;
        this.#next[row] = this.#heads[bucket]!;
        this.#heads[bucket] = row;
        row = next;
      }
    }
  }
}
