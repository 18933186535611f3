/** What flows have that no row has told yet, and when it is due. */
import { FlowEnd } from '../core/flow.ts';
import { MINUTE_US, type Us } from '../core/time.ts';
import { ChangedList } from './changed-list.ts';
import type { Deadlines, FlowLimits } from './deadlines.ts';
import {
  D_FIRST,
  D_LAST,
  DOUBLE_SHIFT,
  E_EPOCH,
  E_STATE,
  ENTRY_SHIFT,
  type FlowEntries,
  NONE,
  UNTOUCHED,
} from './flow-entries.ts';
import type { FlowRows } from './flow-rows.ts';
import { S_ENDED, S_PAUSED, S_SENT } from './flow-state.ts';

export class Telling {
  readonly #entries: FlowEntries;
  readonly #rows: FlowRows;
  readonly #deadlines: Deadlines;
  readonly #limits: Pick<FlowLimits, 'longLivedUs' | 'byMinute'>;
  readonly #changed: ChangedList;

  constructor(
    entries: FlowEntries,
    rows: FlowRows,
    deadlines: Deadlines,
    limits: Pick<FlowLimits, 'longLivedUs' | 'byMinute'>,
  ) {
    this.#entries = entries;
    this.#rows = rows;
    this.#deadlines = deadlines;
    this.#limits = limits;
    this.#changed = new ChangedList(entries);
  }

  hasChanged(id: number): boolean {
    return this.#entries.changedAt[id] !== NONE;
  }

  change(id: number): void {
    if (!this.hasChanged(id)) this.#changed.add(id);
  }

  /** A packet of that time is about to be counted. */
  countAt(id: number, bootUs: Us): void {
    if (this.#limits.byMinute && this.hasChanged(id)) this.#tellMinute(id, bootUs);
    this.change(id);
  }

  /** The next drain tells the flow, however lately a row was sent. */
  hurry(id: number): void {
    if ((this.#state(id) & S_PAUSED) !== 0) return; // its next row is that of another flow
    this.change(id);
    this.#entries.sentBootUs[id] = -Infinity;
  }

  /** Writes a row, after which the flow is unchanged. */
  tell(id: number, endReason: number): void {
    this.#rows.write(id, endReason);
    if (this.hasChanged(id)) this.#changed.remove(id);
    this.#entries.words[(id << ENTRY_SHIFT) + E_EPOCH] = UNTOUCHED;
  }

  /** The row is closed, the entry waits for the packet that continues it under a new serial. */
  pause(id: number, endReason: number): void {
    this.tell(id, endReason);
    this.#entries.words[(id << ENTRY_SHIFT) + E_STATE]! |= S_PAUSED;
  }

  /** Writes all rows that are due. */
  tellDue(nowUs: Us): void {
    const { sentBootUs } = this.#entries;
    const changed = this.#changed;
    let due = 0;
    for (let c = 0; c < changed.count; c++) if (this.#isDue(changed.ids[c]!, nowUs)) due++;
    this.#rows.reserve(due);
    for (let c = changed.count - 1; c >= 0; c--) {
      const id = changed.ids[c]!;
      if (!this.#isDue(id, nowUs)) continue;
      if ((this.#state(id) & S_ENDED) !== 0) this.tell(id, FlowEnd.EndOfFlow);
      else if (this.#deadlines.isLong(id, nowUs)) this.pause(id, FlowEnd.Active);
      else this.tell(id, FlowEnd.None);
      sentBootUs[id] = nowUs;
    }
  }

  #isDue(id: number, nowUs: Us): boolean {
    const state = this.#state(id);
    if ((state & S_ENDED) !== 0 || (state & S_SENT) === 0 || this.#deadlines.isLong(id, nowUs)) return true;
    return nowUs - this.#entries.sentBootUs[id]! >= this.#limits.longLivedUs;
  }

  /** No row speaks of two minutes: what was counted in the one before that of a packet is told first. */
  #tellMinute(id: number, bootUs: Us): void {
    const { doubles, firstUs } = this.#entries;
    const d = id << DOUBLE_SHIFT;
    const offsetUs = firstUs[id]! - doubles[d + D_FIRST]!;
    if (minuteOf(doubles[d + D_LAST]! + offsetUs) >= minuteOf(bootUs + offsetUs)) return;
    this.tell(id, (this.#state(id) & S_ENDED) !== 0 ? FlowEnd.EndOfFlow : FlowEnd.None);
  }

  #state(id: number): number {
    return this.#entries.words[(id << ENTRY_SHIFT) + E_STATE]!;
  }
}

const minuteOf = (us: Us): number => Math.floor(us / MINUTE_US);
