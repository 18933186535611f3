/** Octets that come in pieces from a stream of Node, read as they are wanted. */
export class Pieces {
  readonly #pieces: Uint8Array[] = [];
  #at = 0; // first octet of the first piece that is not yet read
  #ended = false;
  #wakeReader: () => void = () => {};
  #wakeWriter: () => void = () => {};
  #taken = 0;
  given = 0; // octets that were read

  /** Octets that wait. */
  get waiting(): number {
    return this.#taken - this.given;
  }

  get ended(): boolean {
    return this.#ended;
  }

  push(piece: Uint8Array): void {
    if (this.#ended || piece.length === 0) return;
    this.#pieces.push(piece);
    this.#taken += piece.length;
    this.#wakeReader();
  }

  /** Nothing more comes. @param rest 'drop': what waits is not wanted either */
  end(rest: 'keep' | 'drop' = 'keep'): void {
    if (rest === 'drop') this.#pieces.length = 0;
    this.#ended = true;
    this.#wakeReader();
    this.#wakeWriter();
  }

  /** @returns octets put, 0 at the end, undefined: none are there now */
  read(bytes: Uint8Array, at: number, length: number): number | undefined {
    const piece = this.#pieces[0];
    if (piece === undefined) return this.#ended ? 0 : undefined;
    const got = Math.min(length, piece.length - this.#at);
    bytes.set(piece.subarray(this.#at, this.#at + got), at);
    this.#at += got;
    this.given += got;
    if (this.#at < piece.length) return got;
    this.#pieces.shift();
    this.#at = 0;
    this.#wakeWriter();
    return got;
  }

  /** Resolves when read() has something to say. */
  async more(): Promise<void> {
    if (this.#pieces.length > 0 || this.#ended) return;
    await new Promise<void>((resolve) => {
      this.#wakeReader = resolve;
    });
  }

  /** Resolves when fewer than `most` octets wait, or at the end. */
  async room(most: number): Promise<void> {
    while (!this.#ended && this.waiting >= most) {
      await new Promise<void>((resolve) => {
        this.#wakeWriter = resolve;
      });
    }
  }
}
