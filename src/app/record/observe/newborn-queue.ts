import type { Us } from '../../../core/time.ts';

/**
 * When a process that was just born is looked at: a server's child has its connection from the first moment, a client
 * makes its own a little later. One that lives longer is found by others.
 */
const DELAYS_US: readonly Us[] = [0, 1_000, 3_000];
/** Processes that wait for one delay. */
const CAPACITY = 1024;

/** Pids that wait to be looked at, in fixed memory. When it is full the oldest are forgotten: they are gone most likely. */
export class NewbornQueue {
  /** Looks that did not happen because the queue was full. */
  dropped = 0;
  readonly #rings = DELAYS_US.map(() => new PidRing());

  /**
   * @param life what look() is told, to know whether the pid still means the same
   * @param from 'birth', or 'exec': a program that has just been loaded has opened nothing yet
   */
  add(pid: number, life: number, nowUs: Us, from: 'birth' | 'exec'): void {
    for (let i = from === 'birth' ? 0 : 1; i < DELAYS_US.length; i++) {
      if (this.#rings[i]!.push(pid, life, nowUs + DELAYS_US[i]!)) this.dropped++;
    }
  }

  /** When the next look is due; Infinity: never. */
  get nextUs(): Us {
    return Math.min(...this.#rings.map((ring) => ring.nextUs));
  }

  /** Calls `look` for every process whose time has come, first looks first. */
  takeDue(nowUs: Us, look: (pid: number, life: number) => void): void {
    for (const ring of this.#rings) {
      for (let at = ring.shift(nowUs); at >= 0; at = ring.shift(nowUs)) look(ring.pid[at]!, ring.life[at]!);
    }
  }
}

/** Every pid of a ring waits equally long, so they become due in order. */
class PidRing {
  readonly pid = new Uint32Array(CAPACITY);
  readonly life = new Float64Array(CAPACITY);
  readonly #dueUs = new Float64Array(CAPACITY);
  #head = 0;
  #size = 0;

  get nextUs(): Us {
    return this.#size === 0 ? Infinity : this.#dueUs[this.#head]!;
  }

  /** @returns whether the oldest had to make room */
  push(pid: number, life: number, dueUs: Us): boolean {
    const isFull = this.#size === CAPACITY;
    if (isFull) this.#drop();
    const at = (this.#head + this.#size++) % CAPACITY;
    this.pid[at] = pid;
    this.life[at] = life;
    this.#dueUs[at] = dueUs;
    return isFull;
  }

  /** @returns row of the oldest when it is due, valid until the next push(); else -1 */
  shift(nowUs: Us): number {
    if (this.nextUs > nowUs) return -1;
    const at = this.#head;
    this.#drop();
    return at;
  }

  #drop(): void {
    this.#head = (this.#head + 1) % CAPACITY;
    this.#size--;
  }
}
