import type { Us } from '../../core/time.ts';
import type { Native } from '../../native/binding.ts';

/** The clocks that facts and packets are joined by, read in one crossing; whole microseconds, as they are stored. */
export class Clock {
  readonly #native: Native;
  readonly #now = new Float64Array(3);

  constructor(native: Native) {
    this.#native = native;
    this.read();
  }

  read(): void {
    this.#native.clocks(this.#now);
  }

  /** CLOCK_BOOTTIME of the last read(): runs through suspend and never steps. */
  get bootUs(): Us {
    return Math.floor(this.#now[1]!);
  }

  /** Realtime minus boottime at the last read(). */
  get offsetUs(): Us {
    return Math.floor(this.#now[0]! - this.#now[1]!);
  }

  /** A time of CLOCK_MONOTONIC as CLOCK_BOOTTIME, by what lay between them at the last read(). */
  fromMonotonic(monotonicUs: Us): Us {
    return Math.floor(monotonicUs + this.#now[1]! - this.#now[2]!);
  }

  /** CLOCK_BOOTTIME now. */
  readonly nowUs = (): Us => {
    this.read();
    return this.bootUs;
  };
}
