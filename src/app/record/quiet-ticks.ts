import type { CaptureCounters } from '../../core/tick.ts';
import { SECOND_US, type Us } from '../../core/time.ts';
import type { CaptureReport } from './messages.ts';

/** The database says at least this often until when there was nothing. */
const REPEAT_US = 5 * SECOND_US;

/** Says which ticks the store has to see: on a host where nothing happens a transaction a second is most of the cost. */
export class QuietTicks {
  readonly #repeatUs: Us;
  #counters: CaptureCounters | undefined; // of the last tick that was written
  #atUs: Us = 0;

  /** @param everyTick none is left out */
  constructor(everyTick = false) {
    this.#repeatUs = everyTick ? 0 : REPEAT_US;
  }

  /**
   * @param hasRows something else waits to be stored
   * @returns false: nothing was counted since the last tick that was written, it can be left out
   */
  isDue(
    { counters, flows, atUs, last }: Pick<CaptureReport, 'counters' | 'flows' | 'atUs' | 'last'>,
    hasRows: boolean,
  ): boolean {
    const isQuiet = !hasRows && flows.count === 0 && this.#isSame(counters) && atUs < this.#atUs + this.#repeatUs;
    if (isQuiet && !last) return false;
    this.#counters = counters;
    this.#atUs = atUs;
    return true;
  }

  #isSame(counters: CaptureCounters): boolean {
    const before = this.#counters;
    if (before === undefined) return false;
    return (Object.keys(counters) as (keyof CaptureCounters)[]).every((name) => counters[name] === before[name]);
  }
}
