import { CLOCK_STEP_US, SECOND_US, type Us } from '../../core/time.ts';

/** Older ones are forgotten: what began that long ago has its time already. */
const MOST_STEPS = 64;
/** A clock that was set, not one that was brought in line: an interval across it has no length in time of day. */
const LEAP_US = SECOND_US;

interface Step {
  readonly sinceUs: Us; // CLOCK_BOOTTIME
  readonly offsetUs: Us;
}

/** What lay between time of day and boottime, and since when: a fact has the time of day of its own moment. */
export class ClockSteps {
  #steps: readonly Step[] = [];

  /** Realtime minus boottime, now. */
  get offsetUs(): Us {
    return this.#steps.at(-1)?.offsetUs ?? 0;
  }

  note(bootUs: Us, offsetUs: Us): void {
    if (this.#steps.length > 0 && Math.abs(offsetUs - this.offsetUs) <= CLOCK_STEP_US) return;
    this.#steps = [...this.#steps, { sinceUs: bootUs, offsetUs }].slice(-MOST_STEPS);
  }

  /** Time of day at that moment; before the first note() as at that. */
  wallUs(bootUs: Us): Us {
    let at = this.#steps.length - 1;
    while (at > 0 && this.#steps[at]!.sinceUs > bootUs) at--;
    return bootUs + (this.#steps[at]?.offsetUs ?? 0);
  }

  /** When the clock was set next after that moment; Infinity: not until now. */
  leapAfter(bootUs: Us): Us {
    const steps = this.#steps;
    for (let at = 1; at < steps.length; at++) {
      const { sinceUs, offsetUs } = steps[at]!;
      if (sinceUs > bootUs && Math.abs(offsetUs - steps[at - 1]!.offsetUs) >= LEAP_US) return sinceUs;
    }
    return Number.POSITIVE_INFINITY;
  }
}
