/** Waiting without fixed sleeps: on a condition, with a deadline. */
import { setTimeout as sleep } from 'node:timers/promises';

const INTERVAL_MS = 10;

/**
 * Asks until the answer is neither undefined nor false, and returns it.
 *
 * @param what completes the sentence "not within N ms: ..."
 */
export async function waitFor<T>(
  condition: () => T | undefined | false | Promise<T | undefined | false>,
  deadlineMs: number,
  what: string,
): Promise<T> {
  const end = performance.now() + deadlineMs;
  for (;;) {
    const answer = await condition();
    if (answer !== undefined && answer !== false) return answer;
    if (performance.now() > end) throw new Error(`not within ${deadlineMs} ms: ${what}`);
    await sleep(INTERVAL_MS);
  }
}
