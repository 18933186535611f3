/** Names of interfaces by namespace and ifindex, asked anew when an unknown one appears. */
export class InterfaceNames {
  readonly #list: (netns: number) => Iterable<{ readonly ifindex: number; readonly name: string }>;
  readonly #names = new Map<string, string>();

  /** @param list interfaces of the namespace with that inode; none when it is gone */
  constructor(list: (netns: number) => Iterable<{ readonly ifindex: number; readonly name: string }>) {
    this.#list = list;
  }

  /** '' when the source does not know the interface; `#7` when it is gone already. */
  get(netns: number, ifindex: number): string {
    if (ifindex === 0) return '';
    const key = `${netns} ${ifindex}`;
    const known = this.#names.get(key);
    if (known !== undefined) return known;
    for (const { ifindex: index, name } of this.#list(netns)) this.#names.set(`${netns} ${index}`, name);
    const found = this.#names.get(key) ?? `#${ifindex}`;
    this.#names.set(key, found);
    return found;
  }
}
