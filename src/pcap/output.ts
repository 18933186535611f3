/** Octets on their way into a file, collected to few large writes. */
const SIZE = 1 << 18; // in the cache when they are written and hashed
const LEAST_SIZE = 1 << 12;

/** Up to here a loop is faster than set() of a subarray (measured: 60 to 400 octets of a packet, half the time). */
const SHORT = 512;

export class Output {
  readonly #size: number;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;
  #source: Uint8Array; // where octets were copied from last
  #sourceView: DataView;
  readonly #write: (bytes: Uint8Array) => void;

  /**
   * @param write gets octets that are valid during the call; when it throws, flush() tries them again
   * @param size octets that are collected, less where there are many outputs
   */
  constructor(write: (bytes: Uint8Array) => void, size = SIZE) {
    this.#write = write;
    this.#size = Math.max(LEAST_SIZE, size);
    this.#source = this.#bytes = new Uint8Array(this.#size);
    this.#sourceView = this.#view = new DataView(this.#bytes.buffer);
  }

  /** Octets that are not written yet. */
  get waiting(): number {
    return this.#at;
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
    if (length >= this.#size) {
      this.flush();
      this.#write(bytes.subarray(from, to));
      return;
    }
    this.#room(length);
    if (length > SHORT) this.#bytes.set(bytes.subarray(from, to), this.#at);
    else this.#copyWords(bytes, from, to);
    this.#at += length;
  }

  #copyWords(bytes: Uint8Array, from: number, to: number): void {
    if (bytes !== this.#source) {
      this.#source = bytes;
      this.#sourceView = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    }
    const [source, target] = [this.#sourceView, this.#view];
    let at = this.#at;
    let next = from;
    for (; to - next >= 4; next += 4, at += 4) target.setInt32(at, source.getInt32(next, true), true);
    for (; next < to; next++, at++) target.setUint8(at, source.getUint8(next));
  }

  flush(): void {
    if (this.#at > 0) this.#write(this.#bytes.subarray(0, this.#at));
    this.#at = 0;
  }

  /** @param length at most LEAST_SIZE, or less than the room there is */
  #room(length: number): void {
    if (this.#at + length > this.#size) this.flush();
  }
}
