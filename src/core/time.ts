/** Times are microseconds in a number: exact to 2^53, the year 2255. */
export type Us = number;

export const SECOND_US = 1_000_000;
export const MINUTE_US = 60 * SECOND_US;
export const HOUR_US = 60 * MINUTE_US;
export const DAY_US = 24 * HOUR_US;

/** Of field 22 in /proc/PID/stat: USER_HZ is 100 on every architecture that Node runs on. */
export const TICK_US: Us = 10_000;
/** An offset between two clocks that moved this much in one go is a step; a slew is slower. */
export const CLOCK_STEP_US: Us = 1000;

/** ISO 8601 with microseconds, UTC: 2026-11-21T13:04:05.000123Z. */
export function formatTimeUs(us: Us): string {
  const whole = Math.floor(us / 1000);
  const rest = Math.floor(us - whole * 1000);
  return `${new Date(whole).toISOString().slice(0, -1)}${String(rest).padStart(3, '0')}Z`;
}
