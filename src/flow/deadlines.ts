/** When flows end by time: the lists in which they wait for it, and who has to go when there is no room. */
import type { Us } from '../core/time.ts';
import { ActivityList } from './activity-list.ts';
import { D_FIRST, D_LAST, DOUBLE_SHIFT, E_STATE, ENTRY_SHIFT, type FlowEntries, NONE } from './flow-entries.ts';
import { S_CLOSED, S_ENDED, S_TCP } from './flow-state.ts';

/**
 * Flows whose socket was closed that may wait for the next one on their tuple as long as others wait for a packet: the
 * socket at the other end is known then. Beyond, the oldest go when what another namespace still has to show has come.
 */
const MOST_CLOSED = 8192;
const CLOSED_US = 2_000_000;

export interface FlowLimits {
  readonly capacity: number; // flows
  readonly idleTcpUs: Us;
  readonly idleOtherUs: Us;
  readonly activeUs: Us; // Infinity: a flow may live as long as it likes
  readonly lingerUs: Us; // how long an ended TCP flow still takes late packets
  readonly longLivedUs: Us; // how often a row of a living flow is sent
  readonly byMinute: boolean; // what a row adds to the one before was counted in one minute, that of its lastUs
  readonly mostRows: number; // that wait for a drain
}

export class Deadlines {
  readonly #entries: FlowEntries;
  readonly #limits: FlowLimits;
  readonly #tcp: ActivityList;
  readonly #other: ActivityList;
  readonly #lingering: ActivityList; // in the order in which they ended
  readonly #closed: ActivityList;
  #closedCount = 0;
  readonly #lists: readonly ActivityList[];

  constructor(entries: FlowEntries, limits: FlowLimits) {
    this.#entries = entries;
    this.#limits = limits;
    this.#tcp = new ActivityList(entries);
    this.#other = new ActivityList(entries);
    this.#lingering = new ActivityList(entries);
    this.#closed = new ActivityList(entries);
    this.#lists = [this.#tcp, this.#other, this.#lingering, this.#closed];
  }

  append(id: number): void {
    this.#listOf(id).append(id);
  }

  moveToEnd(id: number): void {
    this.#listOf(id).moveToEnd(id);
  }

  remove(id: number): void {
    if ((this.#state(id) & S_CLOSED) !== 0) this.#closedCount--;
    this.#listOf(id).remove(id);
  }

  /** A flow that is told waits for the next socket on its tuple. */
  close(id: number): void {
    this.remove(id);
    this.#entries.words[(id << ENTRY_SHIFT) + E_STATE]! |= S_CLOSED;
    this.#closed.append(id);
    this.#closedCount++;
  }

  /** A packet came on its tuple. */
  reopen(id: number): void {
    if ((this.#state(id) & S_CLOSED) === 0) return;
    this.remove(id);
    this.#entries.words[(id << ENTRY_SHIFT) + E_STATE]! &= ~S_CLOSED;
    this.append(id);
  }

  /** A TCP flow has ended and lingers; its state says so already. */
  linger(id: number): void {
    this.#tcp.remove(id);
    this.#lingering.append(id);
  }

  isLong(id: number, nowUs: Us): boolean {
    return nowUs - this.#entries.doubles[(id << DOUBLE_SHIFT) + D_FIRST]! >= this.#limits.activeUs;
  }

  isOver(id: number, nowUs: Us): boolean {
    const { idleTcpUs, idleOtherUs, lingerUs } = this.#limits;
    const state = this.#state(id);
    if ((state & S_ENDED) !== 0) return nowUs - this.#entries.endedBootUs[id]! > lingerUs;
    const quietUs = nowUs - this.#lastUs(id);
    if ((state & S_CLOSED) !== 0 && this.#closedCount > MOST_CLOSED && quietUs > CLOSED_US) return true;
    return quietUs > ((state & S_TCP) !== 0 ? idleTcpUs : idleOtherUs);
  }

  /** A flow whose time is over, else NONE. Lists are in order, so it looks at four flows. */
  firstOver(nowUs: Us): number {
    for (const { head } of this.#lists) {
      if (head !== NONE && this.isOver(head, nowUs)) return head;
    }
    return NONE;
  }

  /** Who makes room: flows that are told are needed least, then the one whose last packet is the longest ago. */
  victim(): number {
    if (this.#closed.head !== NONE) return this.#closed.head;
    if (this.#lingering.head !== NONE) return this.#lingering.head;
    const [tcp, other] = [this.#tcp.head, this.#other.head];
    return this.#lastUs(tcp) <= this.#lastUs(other) ? tcp : other;
  }

  #lastUs(id: number): Us {
    return id === NONE ? Infinity : this.#entries.doubles[(id << DOUBLE_SHIFT) + D_LAST]!;
  }

  #state(id: number): number {
    return this.#entries.words[(id << ENTRY_SHIFT) + E_STATE]!;
  }

  #listOf(id: number): ActivityList {
    const state = this.#state(id);
    if ((state & S_ENDED) !== 0) return this.#lingering;
    if ((state & S_CLOSED) !== 0) return this.#closed;
    return (state & S_TCP) !== 0 ? this.#tcp : this.#other;
  }
}
