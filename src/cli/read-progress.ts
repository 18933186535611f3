import { statSync } from 'node:fs';
import { formatSize } from '../report/size.ts';
import type { Context } from './context.ts';

const EVERY_MS = 500;

/** How far the reading of long files is: one line on a terminal's stderr, nothing when that is no terminal. */
export class ReadProgress {
  readonly #context: Context;
  readonly #size: number; // octets of all files, 0: not known
  readonly #now: () => number; // milliseconds
  readonly #startedMs: number;
  #shownMs: number;
  #isOpen = false;

  /** @param paths none when the input grows */
  constructor(context: Context, paths: readonly string[], now = () => performance.now()) {
    this.#context = context;
    this.#now = now;
    this.#startedMs = this.#shownMs = now();
    this.#size = paths.reduce((sum, path) => sum + (statSync(path, { throwIfNoEntry: false })?.size ?? 0), 0);
  }

  readonly onProgress = (bytesRead: number, packets: number): void => {
    const now = this.#now();
    if (!this.#context.errIsTerminal || now - this.#shownMs < EVERY_MS) return;
    this.#shownMs = now;
    const seconds = (now - this.#startedMs) / 1000;
    const rate = `${Math.round(packets / seconds)} packets/s`;
    const left =
      this.#size > bytesRead ? `  ${Math.round((seconds * (this.#size - bytesRead)) / bytesRead)} s left` : '';
    const done = this.#size > 0 ? ` of ${formatSize(this.#size)}` : '';
    const text = `${formatSize(bytesRead)}${done}  ${packets} packets  ${rate}${left}`;
    this.#context.err(`\r${text.slice(0, this.#context.columns - 1)}\x1b[K`);
    this.#isOpen = true;
  };

  end(): void {
    if (this.#isOpen) this.#context.err('\r\x1b[K');
    this.#isOpen = false;
  }
}
