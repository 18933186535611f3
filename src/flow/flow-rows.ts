/** Rows of flows for the next drain: written when a flow is due, or the moment before its entry is given away. */
import { createColumns, pushRow } from '../core/columns.ts';
import { FLOW_COLUMNS, type FlowColumns, FlowFlag } from '../core/flow.ts';
import { K_META, KEY_WORDS, keyNetns } from '../core/tuple.ts';
import type { FlowEnds } from './flow-ends.ts';
import {
  COUNTERS,
  D_COUNTERS,
  D_FIRST,
  D_LAST,
  DOUBLE_SHIFT,
  E_SIGHTINGS,
  E_STATE,
  ENTRY_SHIFT,
  type FlowEntries,
} from './flow-entries.ts';
import { pktTypeOf, S_REFUSED, S_SENT } from './flow-state.ts';
import type { DirectionCount, Sightings } from './sightings.ts';

export class FlowRows {
  lost = 0; // rows that found no room
  readonly natKeys = new Map<number, Int32Array>(); // entry -> translated tuple in the direction of its key
  /** Of all flows, as their last rows say. */
  readonly duplicates = { packets: 0, bytes: 0 };
  #rows: FlowColumns | undefined;
  readonly #most: number;
  readonly #entries: FlowEntries;
  readonly #sightings: Sightings;
  readonly #ends: FlowEnds;
  readonly #netnsInode: (index: number) => number;
  readonly #count: DirectionCount = { packets: 0, bytes: 0, ipBytes: 0, duplicatePackets: 0, duplicateBytes: 0 };

  /**
   * @param most rows that wait for a drain; what comes beyond is lost, and counted
   * @param netnsInode of the namespace with an index
   */
  constructor(
    entries: FlowEntries,
    sightings: Sightings,
    ends: FlowEnds,
    most: number,
    netnsInode: (index: number) => number,
  ) {
    this.#entries = entries;
    this.#sightings = sightings;
    this.#ends = ends;
    this.#most = most;
    this.#netnsInode = netnsInode;
  }

  /** Makes room for `rows` at once: growing by and by takes longer than writing them. */
  reserve(rows: number): void {
    if (rows > 0) this.#rows ??= createColumns(FLOW_COLUMNS, rows);
  }

  /** @param endReason FlowEnd, 0 while it lives */
  write(id: number, endReason: number): void {
    this.#rows ??= createColumns(FLOW_COLUMNS);
    const rows = this.#rows;
    if (rows.count >= this.#most) {
      this.lost++;
      return;
    }
    const row = pushRow(rows);
    const { words, doubles, serial, firstUs, ifindex, duplicatePackets, duplicateBytes } = this.#entries;
    const w = id << ENTRY_SHIFT;
    const d = id << DOUBLE_SHIFT;
    const state = words[w + E_STATE]!;
    rows.serial[row] = serial[id]!;
    for (let k = 0; k < KEY_WORDS; k++) rows.key[row * KEY_WORDS + k] = words[w + k]!;
    rows.key[row * KEY_WORDS + K_META]! &= 0xffff;
    const firstBootUs = doubles[d + D_FIRST]!;
    const lastBootUs = doubles[d + D_LAST]!;
    rows.firstUs[row] = firstUs[id]!;
    rows.lastUs[row] = firstUs[id]! + (lastBootUs - firstBootUs);
    rows.firstBootUs[row] = firstBootUs;
    rows.lastBootUs[row] = lastBootUs;
    rows.netns[row] = this.#netnsInode(keyNetns(words, w));
    const natKey = this.natKeys.size > 0 ? this.natKeys.get(id) : undefined;
    if (natKey !== undefined) {
      rows.natKey.set(natKey, row * KEY_WORDS);
      rows.natKey[row * KEY_WORDS + K_META]! &= 0xffff;
    }
    rows.srcCookie[row] = this.#ends.told(2 * id);
    rows.dstCookie[row] = this.#ends.told(2 * id + 1);
    rows.ifindex[row] = ifindex[id]!;
    rows.handedUs[row] = this.#ends.handedUs[id] ?? 0;
    rows.cutUs[row] = this.#ends.cutUs[id] ?? 0;
    rows.flags[row] = flagsOf(state, endReason) | (this.#ends.turns[id] ?? 0);
    rows.endReason[row] = endReason;
    rows.pktType[row] = pktTypeOf(state);

    const original = this.#settle(id, 0);
    rows.origPackets[row] = original.packets;
    rows.origBytes[row] = original.bytes;
    rows.origIpBytes[row] = original.ipBytes;
    rows.duplicatePackets[row] = original.duplicatePackets;
    rows.duplicateBytes[row] = original.duplicateBytes;
    const reply = this.#settle(id, 1);
    rows.replyPackets[row] = reply.packets;
    rows.replyBytes[row] = reply.bytes;
    rows.replyIpBytes[row] = reply.ipBytes;
    rows.duplicatePackets[row]! += reply.duplicatePackets;
    rows.duplicateBytes[row]! += reply.duplicateBytes;
    this.duplicates.packets += rows.duplicatePackets[row]! - duplicatePackets[id]!;
    this.duplicates.bytes += rows.duplicateBytes[row]! - duplicateBytes[id]!;
    duplicatePackets[id] = rows.duplicatePackets[row]!;
    duplicateBytes[id] = rows.duplicateBytes[row]!;
    words[w + E_STATE] = state | S_SENT;
  }

  /** Hands the rows over; the caller may transfer their buffers. */
  take(): FlowColumns {
    const rows = this.#rows ?? createColumns(FLOW_COLUMNS, 1);
    this.#rows = undefined;
    return rows;
  }

  /** Takes rows back that nobody needs any more: the next ones are written into them, where nothing has to grow. */
  giveBack(rows: FlowColumns): void {
    rows.natKey.fill(0, 0, rows.count * KEY_WORDS); // the one column that write() leaves out
    rows.count = 0;
    this.#rows ??= rows;
  }

  #settle(id: number, direction: number): DirectionCount {
    const { words, doubles } = this.#entries;
    const at = (id << DOUBLE_SHIFT) + D_COUNTERS + direction * COUNTERS;
    const count = this.#count;
    count.packets = doubles[at]!;
    count.bytes = doubles[at + 1]!;
    count.ipBytes = doubles[at + 2]!;
    count.duplicatePackets = 0;
    count.duplicateBytes = 0;
    this.#sightings.settle(words[(id << ENTRY_SHIFT) + E_SIGHTINGS]!, direction, count);
    return count;
  }
}

function flagsOf(state: number, endReason: number): number {
  const isNew = (state & S_SENT) === 0 ? FlowFlag.New : 0;
  const isEnded = endReason === 0 ? 0 : FlowFlag.Ended;
  const isRefused = (state & S_REFUSED) === 0 ? 0 : FlowFlag.Refused;
  return isNew | isEnded | isRefused;
}
