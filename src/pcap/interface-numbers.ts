/** Above every ifindex, which is an int of the kernel: cooked packets beside have real ones. */
const FIRST = 0x80000000;

/** One takes about 200 octets of memory, and a name has at most 4,096 characters. What comes beyond shares a number. */
const MOST = 65_536;

/**
 * Numbers that stand for an ifindex where files describe their interfaces. The same interface has the same number in all
 * sections and files of a capture, so that no packet counts as seen twice.
 */
export class InterfaceNumbers {
  readonly #numbers = new Map<string, number>();
  readonly #names: (string | null)[] = []; // as people know them

  /** @param position in its section, for an interface without a name */
  numberFor(position: number, name: string | undefined, description: string | undefined): number {
    const key = name ?? `\0${position}`;
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    const number = FIRST + this.#names.length;
    if (this.#names.length === MOST) return number;
    this.#numbers.set(key, number);
    this.#names.push(name || description || null);
    return number;
  }

  /** @returns null for what is no number of these, and for an interface that no file names */
  nameOf(ifindex: number): string | null {
    return this.#names[ifindex - FIRST] ?? null;
  }
}
