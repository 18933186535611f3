import type { Process } from '../../../core/process.ts';
import { SECOND_US, TICK_US, type Us } from '../../../core/time.ts';
import { MOST_GENERATIONS } from './ancestors.ts';

/** Processes that ended are kept as long as anything may ask for them, the oldest go first. */
const KEEP_ENDED_US = 150 * SECOND_US;
const MOST_ENDED = 65_536;

/** A process from its birth (or from when it was first seen) to its end. */
export interface Life {
  process: Process; // replaced by every change
  cgroupId: number; // in the unified hierarchy; 0: not known
  readonly fromUs: Us; // CLOCK_BOOTTIME at which it became known
  endUs: Us; // Infinity while it lives
  exitCode: number; // as wait(2) gives it; 0 also when nobody told
  readUs: Us; // when all of it was last known to be so
  referred: boolean; // main knows it
  isAbove: boolean; // main knows it as an ancestor
  isTold: boolean; // uid and group came from an event of their moment
  before: Life | undefined; // who had this pid before
}

/** Lives by pid and start ticks. The living are as many as the kernel lets live. */
export class ProcessLives {
  readonly #latest = new Map<number, Life>(); // by pid
  #ended: Life[] = []; // in the order of their ends
  #firstEnded = 0;

  get size(): number {
    return this.#latest.size;
  }

  /** The latest with that pid, or the latest that had begun at `atUs`. */
  current(pid: number, atUs: Us = Infinity): Life | undefined {
    let life = this.#latest.get(pid);
    while (life !== undefined && life.process.startTicks * TICK_US > atUs) life = life.before;
    return life;
  }

  find(pid: number, startTicks: number): Life | undefined {
    let life = this.#latest.get(pid);
    while (life !== undefined && life.process.startTicks !== startTicks) life = life.before;
    return life;
  }

  /** Its ancestors, from the parent on. */
  *above({ process }: Life): Generator<Life> {
    let child = process;
    for (let generation = 0; generation < MOST_GENERATIONS && child.parentPid > 0; generation++) {
      const parent = this.current(child.parentPid, child.startTicks * TICK_US);
      if (parent === undefined || parent.process === child) return;
      yield parent;
      child = parent.process;
    }
  }

  *living(): Generator<Life> {
    for (const life of this.#latest.values()) if (life.endUs === Infinity) yield life;
  }

  add(process: Process, atUs: Us, cgroupId: number): Life {
    const life: Life = {
      process,
      cgroupId,
      fromUs: atUs,
      endUs: Infinity,
      exitCode: 0,
      readUs: atUs,
      referred: false,
      isAbove: false,
      isTold: false,
      before: this.#latest.get(process.pid),
    };
    this.#latest.set(process.pid, life);
    return life;
  }

  end(life: Life, atUs: Us): void {
    life.endUs = atUs;
    this.#ended.push(life);
    if (this.#ended.length - this.#firstEnded > MOST_ENDED) this.#drop();
  }

  forget(nowUs: Us): void {
    while (this.#firstEnded < this.#ended.length && this.#ended[this.#firstEnded]!.endUs < nowUs - KEEP_ENDED_US) {
      this.#drop();
    }
  }

  /** The one that ended first. */
  #drop(): void {
    const gone = this.#ended[this.#firstEnded++]!;
    if (this.#firstEnded > MOST_ENDED) {
      this.#ended = this.#ended.slice(this.#firstEnded);
      this.#firstEnded = 0;
    }
    const latest = this.#latest.get(gone.process.pid);
    if (latest === gone) {
      if (gone.before === undefined) this.#latest.delete(gone.process.pid);
      else this.#latest.set(gone.process.pid, gone.before);
      return;
    }
    for (let life = latest; life !== undefined; life = life.before) {
      if (life.before === gone) life.before = gone.before;
    }
  }
}
