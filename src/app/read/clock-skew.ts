/** What the clock of a capture is ahead of that of a history, from connections that both have seen. */
import { SECOND_US, type Us } from '../../core/time.ts';

/** A socket begins within so much of its SYN, on one clock. */
const WIDTH_US = SECOND_US / 100;
/** Clocks of one host, or kept by NTP: nothing to correct. */
const LEAST_SKEW_US = SECOND_US / 200;
/** Connections that have to agree, and what share of those that the history knows. */
const LEAST_MATCHES = 5;
const LEAST_SHARE = 0.5;
/** A tuple with more sockets than this is reused so fast that any offset would find one. */
export const MOST_SOCKETS = 4;

/** A SYN of the capture, and when sockets on its tuple began. */
export interface Sighting {
  readonly atUs: Us; // on the clock of the capture
  readonly socketsUs: readonly Us[]; // on that of the history
}

export interface Skew {
  readonly offsetUs: Us; // of the capture, ahead of the history
  readonly matches: number; // connections that say so
}

/**
 * The offset that most connections agree on: the median of the differences that lie closest together. A tuple may have
 * been used several times, so each of its sockets is a candidate; the wrong ones agree with nothing.
 *
 * @returns undefined when the clocks agree, or too few connections were seen by both
 */
export function estimateSkew(sightings: readonly Sighting[]): Skew | undefined {
  const known = sightings.filter(({ socketsUs }) => socketsUs.length > 0 && socketsUs.length <= MOST_SOCKETS);
  const apart = known.flatMap(({ atUs, socketsUs }) => socketsUs.map((socketUs) => atUs - socketUs));
  apart.sort((a, b) => a - b);
  const [from, to] = densest(apart);
  const matches = to - from;
  const offsetUs = Math.round(apart[from + (matches >> 1)] ?? 0);
  const enough = Math.max(LEAST_MATCHES, known.length * LEAST_SHARE);
  if (matches < enough || Math.abs(offsetUs) < LEAST_SKEW_US) return undefined;
  const inStep = apart.filter((us) => Math.abs(us) < LEAST_SKEW_US).length;
  return inStep >= enough ? undefined : { offsetUs, matches };
}

/** @param sorted ascending. @returns the longest run of them within WIDTH_US, end not included */
function densest(sorted: readonly number[]): readonly [from: number, to: number] {
  let best: readonly [number, number] = [0, 0];
  for (let from = 0, to = 0; to < sorted.length; ) {
    to++;
    while (sorted[to - 1]! - sorted[from]! > WIDTH_US) from++;
    if (to - from > best[1] - best[0]) best = [from, to];
  }
  return best;
}
