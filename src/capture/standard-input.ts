import type { OctetSource } from './octets.ts';
import { Pieces } from './pieces.ts';

const WAITING = 1 << 20; // octets that may wait

/**
 * Standard input that is a socket or a terminal: a synchronous read would wait for it and hold everything else up.
 * Pipes and files have better ways, octets.ts.
 */
export class StandardInput implements OctetSource {
  readonly size = undefined;
  taken = 0;
  trouble: string | undefined;
  readonly #pieces = new Pieces();

  constructor() {
    process.stdin.on('data', (piece: Buffer) => {
      this.#pieces.push(piece);
      if (this.#pieces.waiting >= WAITING) process.stdin.pause();
    });
    process.stdin.on('end', () => this.#pieces.end());
    process.stdin.on('error', ({ message }) => {
      this.trouble = `it cannot be read any further (${message})`;
      this.#pieces.end();
    });
  }

  read(bytes: Uint8Array, at: number, length: number): number | undefined {
    const got = this.#pieces.read(bytes, at, length);
    if (process.stdin.isPaused() && this.#pieces.waiting < WAITING) process.stdin.resume();
    this.taken += got ?? 0;
    return got;
  }

  more(): Promise<void> {
    return this.#pieces.more();
  }

  close(): void {
    process.stdin.pause();
    this.#pieces.end();
  }
}
