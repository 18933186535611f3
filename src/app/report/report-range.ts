import type { Us } from '../../core/time.ts';
import type { KeptFrom, Range } from '../../store/usage-plan.ts';

/** The time that a report is about, as counters by minute can answer it. */
export interface ReportRange extends Range {
  readonly isAsked: boolean; // else everything that is stored
  readonly kept: KeptFrom;
  readonly flowsFromUs: Us; // older flows were deleted
  readonly dataFromUs: Us; // the range, cut to the buckets that are stored
  readonly dataToUs: Us;
}
