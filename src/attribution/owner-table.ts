import { RowIndex } from '../core/row-index.ts';
import { type OwnerColumns, OwnerEvidence, SocketFlag } from '../core/socket.ts';
import type { Us } from '../core/time.ts';
import { mixHash } from '../core/tuple.ts';
import { RowStore } from './row-store.ts';

/** Changes of owner that are kept of one socket. Processes that take turns more often share it. */
const MOST_OF_SOCKET = 128;
/** Rows of all sockets together; what comes beyond is counted, not taken. */
const MOST = 1 << 20;

const OWNER_FACTS = {
  cookie: 'f64',
  pid: 'u32',
  startTicks: 'f64',
  evidence: 'u8',
  source: 'u8',
  flags: 'u8', // SocketFlag
  fromUs: 'f64', // until the next row of the socket
  previous: 'u8', // evidence of the process before, as this one was told
  edge: 'u8', // with `sequence`: where in the stream it began, as in OWNER_COLUMNS
  sequence: 'u32',
  older: 'f64', // row of the same socket before it in time, -1: none
  newer: 'f64',
  depth: 'u32', // rows of the socket when this one came
} as const;

/** Which process acted on which socket (by cookie), from when on. */
export class OwnerTable {
  readonly #store = new RowStore(OWNER_FACTS);
  readonly facts = this.#store.columns;
  readonly #newest = new RowIndex(); // the newest row of each socket
  refused = 0; // rows for which there was no room

  get size(): number {
    return this.#store.size;
  }

  /** Calls `onChange` for every row that says something new. */
  observe(seen: OwnerColumns, onChange: (cookie: number, fromUs: Us) => void): void {
    for (let i = 0; i < seen.count; i++) {
      if (this.#store.size >= MOST) this.refused++;
      else if (this.#insert(seen, i)) onChange(seen.cookie[i]!, seen.fromUs[i]!);
    }
  }

  /** Newest row of a socket, -1: none. */
  newest(cookie: number): number {
    let row = this.#newest.first(hashCookie(cookie));
    while (row !== -1 && this.facts.cookie[row] !== cookie) row = this.#newest.next(row);
    return row;
  }

  older(row: number): number {
    return this.facts.older[row]!;
  }

  isSameProcess(a: number, b: number): boolean {
    const { pid, startTicks } = this.facts;
    return pid[a] === pid[b] && startTicks[a] === startTicks[b];
  }

  /** Adds the pids of all processes that are known to have acted. */
  collectPids(into: Set<number>): void {
    for (const row of this.#store.rows()) into.add(this.facts.pid[row]!);
  }

  /**
   * Drops sockets without news since `beforeUs` that nobody keeps, and of the others what was outdated by then.
   *
   * @param isKept whether that socket may still be asked for
   */
  forget(beforeUs: Us, isKept: (cookie: number) => boolean): void {
    for (const row of this.#store.rows()) {
      if (this.facts.newer[row] !== -1) continue;
      if (this.facts.fromUs[row]! < beforeUs && !isKept(this.facts.cookie[row]!)) {
        this.#newest.remove(row);
        this.#freeFrom(row);
      } else this.#freeOutdated(row, beforeUs);
    }
  }

  /** Nobody asks for that socket any more. */
  forgetSocket(cookie: number): void {
    const newest = this.newest(cookie);
    if (newest === -1) return;
    this.#newest.remove(newest);
    this.#freeFrom(newest);
  }

  /** A flow that began before `beforeUs` is asked for no more: one row from before it says who acted at that time. */
  #freeOutdated(newest: number, beforeUs: Us): void {
    const { fromUs, evidence, older } = this.facts;
    let row = newest;
    while (row !== -1 && (fromUs[row]! >= beforeUs || evidence[row]! < OwnerEvidence.Called)) row = older[row]!;
    if (row !== -1) this.#cutAfter(row);
  }

  #cutAfter(row: number): void {
    const rest = this.facts.older[row]!;
    this.facts.older[row] = -1;
    if (rest !== -1) this.#freeFrom(rest);
  }

  #freeFrom(row: number): void {
    for (let at = row; at !== -1; ) {
      const next = this.facts.older[at]!;
      this.#store.free(at);
      at = next;
    }
  }

  /** @returns false when the row before it says the same of the same process */
  #insert(seen: OwnerColumns, i: number): boolean {
    const { facts } = this;
    let newer = -1;
    let older = this.newest(seen.cookie[i]!);
    while (older !== -1 && facts.fromUs[older]! > seen.fromUs[i]!) {
      newer = older;
      older = facts.older[older]!;
    }
    if (older !== -1) this.#learnOfPrevious(older, seen, i);
    if (older !== -1 && this.#saysAsMuch(older, seen, i)) return false;
    if (older !== -1 && this.#isStillActing(older, seen, i)) {
      facts.evidence[older] = seen.evidence[i]!; // since its call, nobody knows when
      return true;
    }
    const row = this.#store.take();
    facts.cookie[row] = seen.cookie[i]!;
    facts.pid[row] = seen.pid[i]!;
    facts.startTicks[row] = seen.startTicks[i]!;
    facts.evidence[row] = seen.evidence[i]!;
    facts.source[row] = seen.source[i]!;
    facts.flags[row] = seen.flags[i]!;
    facts.fromUs[row] = seen.fromUs[i]!;
    facts.previous[row] = seen.previous[i]!;
    facts.edge[row] = seen.edge[i]!;
    facts.sequence[row] = seen.sequence[i]!;
    facts.older[row] = older;
    facts.newer[row] = newer;
    facts.depth[row] = older === -1 ? 1 : facts.depth[older]! + 1;
    if (older !== -1) facts.newer[older] = row;
    if (newer !== -1) {
      facts.older[newer] = row;
      this.#learnOfNext(row, newer);
    } else {
      if (older !== -1) this.#newest.remove(older);
      this.#newest.add(hashCookie(facts.cookie[row]!), row);
    }
    if (facts.depth[row]! > MOST_OF_SOCKET) this.#halve(row);
    return true;
  }

  /** That whoever called connect() or sendto() then transfers is told only when the next one does. */
  #learnOfPrevious(row: number, seen: OwnerColumns, i: number): void {
    const { evidence } = this.facts;
    if (
      !this.#isSame(row, seen, i) &&
      seen.previous[i] === OwnerEvidence.Transfer &&
      evidence[row] === OwnerEvidence.Called
    )
      evidence[row] = OwnerEvidence.Transfer;
  }

  /** The same of a row that comes late: its process had to be looked for. */
  #learnOfNext(row: number, next: number): void {
    const { evidence, previous } = this.facts;
    const hasSent = !this.isSameProcess(row, next) && previous[next] === OwnerEvidence.Transfer;
    if (hasSent && evidence[row] === OwnerEvidence.Called) evidence[row] = OwnerEvidence.Transfer;
  }

  #isSame(row: number, seen: OwnerColumns, i: number): boolean {
    return this.facts.pid[row] === seen.pid[i] && this.facts.startTicks[row] === seen.startTicks[i];
  }

  #saysAsMuch(row: number, seen: OwnerColumns, i: number): boolean {
    const { evidence, flags } = this.facts;
    return this.#isSame(row, seen, i) && evidence[row]! >= seen.evidence[i]! && (seen.flags[i]! & ~flags[row]!) === 0;
  }

  /** Who called sendto() or connect() also transfers: what is told of it later is no act of that moment. */
  #isStillActing(row: number, seen: OwnerColumns, i: number): boolean {
    const { evidence, flags } = this.facts;
    return this.#isSame(row, seen, i) && flags[row] === seen.flags[i] && evidence[row] === OwnerEvidence.Called;
  }

  /** Too many turns: of the older half only "several" is remembered. */
  #halve(newest: number): void {
    const { facts } = this;
    let row = newest;
    for (let depth = MOST_OF_SOCKET / 2; depth > 0 && row !== -1; row = facts.older[row]!) facts.depth[row] = depth--;
    if (row === -1) return;
    facts.depth[row] = 0;
    facts.fromUs[row] = 0;
    facts.evidence[row] = OwnerEvidence.Transfer;
    facts.flags[row] = SocketFlag.Shared;
    this.#cutAfter(row);
  }
}

function hashCookie(cookie: number): number {
  return mixHash(cookie | 0);
}
