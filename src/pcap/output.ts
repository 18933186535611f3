/** Octets on their way into a file, collected to few large writes. */
const SIZE = 1 << 20;

export class Output {
  #bytes = new Uint8Array(SIZE);
  #view = new DataView(this.#bytes.buffer);
  #at = 0;
  readonly #write: (bytes: Uint8Array) => void;

  /** @param write gets octets that are valid during the call */
  constructor(write: (bytes: Uint8Array) => void) {
    this.#write = write;
  }

  u16(value: number, littleEndian: boolean): void {
    this.#room(2);
    this.#view.setUint16(this.#at, value, littleEndian);
    this.#at += 2;
  }

  u32(value: number, littleEndian: boolean): void {
    this.#room(4);
    this.#view.setUint32(this.#at, value, littleEndian);
    this.#at += 4;
  }

  zeros(count: number): void {
    this.#room(count);
    this.#bytes.fill(0, this.#at, this.#at + count);
    this.#at += count;
  }

  copy(bytes: Uint8Array, from: number, to: number): void {
    const length = to - from;
    if (length >= SIZE) {
      this.flush();
      this.#write(bytes.subarray(from, to));
      return;
    }
    this.#room(length);
    this.#bytes.set(bytes.subarray(from, to), this.#at);
    this.#at += length;
  }

  flush(): void {
    if (this.#at > 0) this.#write(this.#bytes.subarray(0, this.#at));
    this.#at = 0;
  }

  /** @param length less than SIZE */
  #room(length: number): void {
    if (this.#at + length > SIZE) this.flush();
  }
}
