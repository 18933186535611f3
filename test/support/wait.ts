/** Waiting without fixed sleeps: on a condition, with a deadline. */
import { setTimeout as sleep } from 'node:timers/promises';

const INTERVAL_MS = 10;
/** Deadlines are for a machine that does nothing else: they only end what would never come. */
const PATIENCE = 5;

export const patiently = (deadlineMs: number): number => PATIENCE * deadlineMs;

/**
 * Asks until the answer is neither undefined nor false, and returns it.
 *
 * @param deadlineMs on a machine that does nothing else
 * @param what completes the sentence "not within N ms: ..."
 */
export async function waitFor<T>(
  condition: () => T | undefined | false | Promise<T | undefined | false>,
  deadlineMs: number,
  what: string,
): Promise<T> {
  const patienceMs = patiently(deadlineMs);
  const end = performance.now() + patienceMs;
  for (;;) {
    const answer = await condition();
    if (answer !== undefined && answer !== false) return answer;
    if (performance.now() > end) throw new Error(`not within ${patienceMs} ms: ${what}`);
    await sleep(INTERVAL_MS);
  }
}
