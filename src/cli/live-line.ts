import type { Progress } from '../app/record/recorder-options.ts';
import { countText, formatSize } from '../report/size.ts';
import type { Context } from './context.ts';

/** One line on stderr that rewrites itself while a recording runs; on no terminal only notes are printed. */
export class LiveLine {
  readonly #context: Context;
  readonly #shown: boolean;
  readonly #wordsOf: (progress: Progress, seconds: number) => string;
  readonly #startedMs = performance.now();
  #isOpen = false;

  constructor(
    context: Context,
    quiet: boolean,
    wordsOf: (progress: Progress, seconds: number) => string = packetWords,
  ) {
    this.#context = context;
    this.#wordsOf = wordsOf;
    this.#shown = context.errIsTerminal && !quiet;
  }

  show(progress: Progress): void {
    if (!this.#shown) return;
    const seconds = Math.round((performance.now() - this.#startedMs) / 1000);
    const text = `${seconds} s  ${this.#wordsOf(progress, seconds)}`;
    this.#context.err(`\r${text.slice(0, this.#context.columns - 1)}\x1b[K`);
    this.#isOpen = true;
  }

  /** A line that stays. */
  note(text: string): void {
    this.end();
    this.#context.err(`pcapid: ${text}\n`);
  }

  end(): void {
    if (this.#isOpen) this.#context.err('\n');
    this.#isOpen = false;
  }
}

function packetWords({ counters, flows }: Progress): string {
  const drops = counters.kernelDrops === null ? 'drops unknown' : `${counters.kernelDrops} dropped`;
  return `${countText(counters.packets, 'packet')}  ${formatSize(counters.ipBytes)}  ${countText(flows, 'flow')}  ${drops}`;
}
