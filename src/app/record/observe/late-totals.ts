import { createColumns, pushRow } from '../../../core/columns.ts';
import { CLOSED_COLUMNS, type ClosedColumns, TOTALS } from '../../../core/socket.ts';
import { SECOND_US, type Us } from '../../../core/time.ts';
import type { SocketEnds } from '../../../linux/socket-ends.ts';

/**
 * Connections a second of which it is asked what they carried. To hear of one costs 20 to 50 µs in all threads: a fifth
 * of what a storm of 5,000 closed sockets a second costs otherwise (measured), so a storm is not listened to.
 */
const MOST_A_SECOND = 500;
const PAUSE_US = 10 * SECOND_US;

/**
 * What connections carried in all, where kernel programs tell which sockets there are and when they are closed: without
 * the time of their end, and so late that their socket is known.
 */
export class LateTotals {
  /** What was not heard is missing where it would stand; nobody is named by it. */
  readonly lost = 0;
  readonly #open: () => SocketEnds | undefined;
  readonly #nowUs: () => Us;
  readonly #holdUs: Us;
  #ends: SocketEnds | undefined;
  #held = createColumns(CLOSED_COLUMNS); // the older ones
  #gathered = createColumns(CLOSED_COLUMNS);
  #dueUs: Us = 0; // then the older ones have been held long enough
  #reopenUs: Us = 0;
  #secondUs: Us = 0;
  #heard = 0; // since then

  /** @param open of the groups of TCP; undefined: refused. @param holdUs how late others tell of sockets at most */
  constructor(open: () => SocketEnds | undefined, nowUs: () => Us, holdUs: Us) {
    this.#open = open;
    this.#nowUs = nowUs;
    this.#holdUs = holdUs;
  }

  /** Appends what has been held long enough. */
  read(out: ClosedColumns, last: 'last' | 'more' = 'more'): void {
    const now = this.#nowUs();
    this.#listen(now);
    if (last === 'more' && now < this.#dueUs) return;
    this.#dueUs = now + this.#holdUs;
    this.#release(out);
    if (last === 'last' || this.#holdUs === 0) this.#release(out);
  }

  #listen(now: Us): void {
    if (this.#ends === undefined && now >= this.#reopenUs) {
      this.#ends = this.#open();
      this.#reopenUs = now + PAUSE_US; // if it is refused
    }
    if (now - this.#secondUs >= SECOND_US) [this.#secondUs, this.#heard] = [now, 0];
    const before = this.#gathered.count;
    this.#ends?.read(this.#gathered);
    this.#heard += this.#gathered.count - before;
    if (this.#heard <= MOST_A_SECOND) return;
    this.close();
    this.#reopenUs = now + PAUSE_US;
  }

  #release(out: ClosedColumns): void {
    if (this.#held.count + this.#gathered.count === 0) return;
    copyTotals(this.#held, out);
    this.#held = this.#gathered;
    this.#gathered = createColumns(CLOSED_COLUMNS); // rows of used ones are not zero
  }

  close(): void {
    this.#ends?.close();
    this.#ends = undefined;
  }
}

function copyTotals(from: ClosedColumns, to: ClosedColumns): void {
  for (let i = 0; i < from.count; i++) {
    if (from.hasTotals[i] !== 1) continue;
    const row = pushRow(to);
    to.cookie[row] = from.cookie[i]!;
    for (const name of TOTALS) to[name][row] = from[name][i]!;
  }
}
