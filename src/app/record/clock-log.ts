import type { Tick } from '../../core/tick.ts';
import { CLOCK_STEP_US, HOUR_US, type Us } from '../../core/time.ts';

/** Says when the offset between time of day and boottime has to be noted: at the start, hourly, and after a step. */
export class ClockLog {
  #bootUs = -Infinity; // of the last row, and
  #offsetUs = Number.NaN; // its offset

  /** @returns the row that is due now, else null */
  note(bootUs: Us, offsetUs: Us): Tick['clock'] {
    const stepped = !(Math.abs(offsetUs - this.#offsetUs) <= CLOCK_STEP_US); // NaN: the first
    if (!stepped && bootUs - this.#bootUs < HOUR_US) return null;
    this.#bootUs = bootUs;
    this.#offsetUs = offsetUs;
    return { bootUs, offsetUs };
  }
}
