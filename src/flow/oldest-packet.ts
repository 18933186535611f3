import { CLOCK_STEP_US, type Us } from '../core/time.ts';

/**
 * How long a packet may have waited in the ring of its source, while batches of other sources were added; and so long
 * after a step of the clock, when it may still have the time of before. A slew is no step.
 */
const MOST_WAIT_US = 30_000_000;
const MOST_WAIT_AFTER_STEP_US = 1_000_000;

/** How far back a packet's time may lie, so that a step of the clock neither ends nor stretches a flow for long. */
export class OldestPacket {
  #offsetUs = Number.NaN; // of the batch before
  #nowBootUs = Number.NEGATIVE_INFINITY;
  #steppedBootUs = Number.NEGATIVE_INFINITY; // when realtime was found to have stepped

  /** Earliest boottime of the packets of a batch. @param offsetUs realtime minus boottime, of this batch */
  of(offsetUs: Us, nowBootUs: Us): Us {
    if (nowBootUs === Infinity) return Number.NEGATIVE_INFINITY; // a file
    if (Math.abs(offsetUs - this.#offsetUs) > CLOCK_STEP_US) this.#steppedBootUs = nowBootUs;
    const hasStepped = nowBootUs - this.#steppedBootUs <= MOST_WAIT_US;
    const earliestUs = this.#nowBootUs - (hasStepped ? MOST_WAIT_AFTER_STEP_US : MOST_WAIT_US);
    this.#offsetUs = offsetUs;
    this.#nowBootUs = nowBootUs;
    return earliestUs;
  }
}
