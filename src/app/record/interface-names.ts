/** Names of interfaces by ifindex, asked anew when an unknown one appears. */
export class InterfaceNames {
  readonly #list: () => Iterable<{ readonly ifindex: number; readonly name: string }>;
  readonly #names = new Map<number, string>();

  constructor(list: () => Iterable<{ readonly ifindex: number; readonly name: string }>) {
    this.#list = list;
  }

  /** '' when the source does not know the interface; `#7` when it is gone already. */
  get(ifindex: number): string {
    if (ifindex === 0) return '';
    const known = this.#names.get(ifindex);
    if (known !== undefined) return known;
    for (const { ifindex: index, name } of this.#list()) this.#names.set(index, name);
    const found = this.#names.get(ifindex) ?? `#${ifindex}`;
    this.#names.set(ifindex, found);
    return found;
  }
}
