/** Sums by key, in memory: what many flows of a tick add to one row is written once. */
export class SumMap {
  readonly #entries = new Map<string, { readonly key: readonly number[]; readonly sums: number[] }>();

  add(key: readonly number[], sums: readonly number[]): void {
    const name = key.join(' ');
    const known = this.#entries.get(name);
    if (known === undefined) this.#entries.set(name, { key, sums: [...sums] });
    else for (let i = 0; i < sums.length; i++) known.sums[i]! += sums[i]!;
  }

  /** Takes what did not come to nothing: first what is taken away, so that it makes room, then what is added. */
  *take(): Generator<readonly [key: readonly number[], sums: readonly number[]]> {
    const entries = [...this.#entries.values()].filter(({ sums }) => sums.some((sum) => sum !== 0));
    this.#entries.clear();
    const isLess = ({ sums }: { sums: readonly number[] }) => sums.some((sum) => sum < 0);
    for (const { key, sums } of entries.filter(isLess)) yield [key, sums];
    for (const { key, sums } of entries) if (!isLess({ sums })) yield [key, sums];
  }

  clear(): void {
    this.#entries.clear();
  }
}
