import type { Attributor } from '../../attribution/attributor.ts';
import { KEEP_CLOSED_DATAGRAM_US } from '../../attribution/forget-sockets.ts';
import { SECOND_US, type Us } from '../../core/time.ts';
import { NO_FACTS } from './no-facts.ts';
import type { TickBuilder } from './tick-builder.ts';

/** Sockets that no flow points at, and facts that nobody can use any more, are looked after this often. */
const HOUSEKEEPING_US = 5 * SECOND_US;
/** The same with so many sockets: 5,000 new ones a second, most of which nobody needs after 5 s. */
const CROWD_US = 2 * SECOND_US;
const CROWD = 1 << 15;
/** Rows of facts that are kept for flows that cannot be asked for yet, some 40 MB; and processes, some 1 KB each. */
const MOST_FACTS = 1 << 18;
const MOST_PROCESSES = 1 << 15;

/** Forgets facts: those that nobody can use any more, and while the store is stuck those that there is no room for. */
export class Housekeeping {
  readonly #attributor: Attributor;
  readonly #builder: TickBuilder;
  readonly #mostFacts: number;
  #dueUs: Us = 0;
  #drainedUs: Us = 0; // flows that began later may need any fact
  #told = 0;
  forgotten = 0; // sockets that such flows may have needed

  constructor(attributor: Attributor, builder: TickBuilder, mostFacts = MOST_FACTS) {
    this.#attributor = attributor;
    this.#builder = builder;
    this.#mostFacts = mostFacts;
  }

  /** After a drain. @param now of what was taken in, not of the clock: it may have waited */
  *keep(now: Us): Generator<void> {
    this.#drainedUs = now;
    if (now < this.#dueUs) return;
    yield* this.#forget(now);
  }

  /** While nothing is drained: facts wait as long as there is room for them. */
  isCrowded(now: Us): boolean {
    if (now < this.#dueUs) return false;
    const { sockets, owners, holders, processes } = this.#attributor;
    return sockets.size + owners.size + holders.size > this.#mostFacts || processes.size > MOST_PROCESSES;
  }

  /** Of `forgotten`, what came since the last call. */
  takeForgotten(): number {
    const since = this.forgotten - this.#told;
    this.#told = this.forgotten;
    return since;
  }

  /** Forgets what is oldest. Flows of that time may have lost their owner, and will say so. */
  *makeRoom(now: Us): Generator<void> {
    const { sockets } = this.#attributor;
    const before = sockets.size;
    yield* this.#forget(now);
    this.forgotten += before - sockets.size;
    const keptUs = Math.min(KEEP_CLOSED_DATAGRAM_US, this.#attributor.keepClosedUs);
    const lost = { fromUs: this.#drainedUs, toUs: now - keptUs };
    if (sockets.size < before) this.#attributor.observe({ ...NO_FACTS, atUs: now, lost });
  }

  *#forget(now: Us): Generator<void> {
    const dueUs = this.#attributor.sockets.size > CROWD ? CROWD_US : HOUSEKEEPING_US;
    this.#dueUs = now + Math.min(dueUs, this.#attributor.keepClosedUs);
    yield* this.#builder.addSocketsStepwise(now);
    yield* this.#attributor.forgetStepwise(now, (row) => this.#builder.forgetSocket(row));
  }
}
