import type { Us } from '../core/time.ts';
import { MOST_WAITING, WAIT_US } from './waiting-events.ts';

/** When sockets were closed, as long as events that are older may wait for a packet. */
export class ClosedSockets {
  readonly #closedUs = new Map<number, Us>(); // by cookie, oldest first

  get isEmpty(): boolean {
    return this.#closedUs.size === 0;
  }

  note(cookie: number, atUs: Us): void {
    this.#closedUs.set(cookie, atUs);
  }

  /** Undefined: it was not, or too long ago. */
  get(cookie: number): Us | undefined {
    return this.#closedUs.get(cookie);
  }

  expire(nowUs: Us): void {
    for (const [cookie, atUs] of this.#closedUs) {
      if (nowUs - atUs <= WAIT_US && this.#closedUs.size <= MOST_WAITING) return;
      this.#closedUs.delete(cookie);
    }
  }
}
