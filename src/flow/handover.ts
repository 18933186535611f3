/** What a process that took a socket over has sent or received before anybody knows whose it is. */
import type { DecodedBatch } from '../core/decoded.ts';
import type { PacketBatch } from '../core/packet.ts';
import type { Us } from '../core/time.ts';
import { KEY_WORDS, keyProtocol, Protocol } from '../core/tuple.ts';
import { Edge, type EndChanges } from './end-changes.ts';
import { COUNTERS, D_COUNTERS, D_FIRST, DOUBLE_SHIFT, type FlowEntries, NONE } from './flow-entries.ts';
import type { Moment } from './moment.ts';
import { RecentData, sequenceDistance } from './recent-data.ts';

/**
 * A sender of datagrams is told when its call returns: 4 to 40 us after its packet (measured on loopback, where the
 * receiver's work comes in between), and 41 us or more after the last packet of the process before. So time alone cannot
 * tell them apart: of the packets that its socket sent within this time, the last one is its own.
 */
const HANDED_LAG_US = 2000;

type Counts = readonly [packets: number, bytes: number, ipBytes: number];

interface Share {
  readonly direction: number;
  readonly bootUs: Us;
  readonly counts: Counts;
}

export class Handovers {
  recent: RecentData | undefined; // once handovers may be told
  readonly #entries: FlowEntries;
  readonly #last = new Map<number, Share>(); // the datagram sent last, by entry, of flows that wait for a handover
  #taken: Share | undefined; // between take() and give()

  constructor(entries: FlowEntries) {
    this.#entries = entries;
  }

  remember(): void {
    this.recent ??= new RecentData(this.#entries);
  }

  /** Packet `i`, sent at `bootUs` in that direction, is about to be counted. */
  note(id: number, direction: number, bootUs: Us, batch: PacketBatch, decoded: DecodedBatch, i: number): void {
    if (keyProtocol(decoded.key, i * KEY_WORDS) === Protocol.Tcp) return;
    this.#last.set(id, { direction, bootUs, counts: [1, batch.origLen[i]!, decoded.ipBytes[i]!] });
  }

  /** Takes the share of the next process from a flow that ends by the handover in that row, at the packet in work. */
  take(id: number, changes: EndChanges, row: number, moment: Moment): void {
    const edge = changes.edge[row]!;
    const last = this.#last.get(id);
    this.#last.delete(id);
    if (moment.direction === NONE) return; // nobody comes to give it to
    const share = edge === Edge.None ? datagramOf(last, changes, row) : this.#octets(id, changes, row, moment);
    this.#taken = share !== undefined && this.#has(id, share) ? share : undefined;
    if (this.#taken !== undefined) this.#add(id, this.#taken, -1);
  }

  /** Gives it to the flow that goes on in the same entry. */
  give(id: number): void {
    if (this.#taken === undefined) return;
    const { doubles, firstUs } = this.#entries;
    const at = (id << DOUBLE_SHIFT) + D_FIRST;
    this.#add(id, this.#taken, 1);
    firstUs[id]! -= doubles[at]! - this.#taken.bootUs;
    doubles[at] = this.#taken.bootUs;
    this.#taken = undefined;
  }

  forget(id: number): void {
    this.#last.delete(id);
  }

  /** Of what is counted all that lies beyond the sequence number, less what the packet in work has before it. */
  #octets(id: number, { edge, sequence }: EndChanges, row: number, moment: Moment): Share {
    const direction = edge[row]! - Edge.Original;
    const [packets, bytes, ipBytes] = this.recent?.beyond((id << 1) | direction, sequence[row]!) ?? [0, 0, 0];
    const before = moment.direction === direction ? sequenceDistance(sequence[row]!, moment.fromSequence) : 0;
    const head = Math.max(0, before);
    return { direction, bootUs: moment.us, counts: [packets, bytes - head, ipBytes - head] };
  }

  /** Whether the flow keeps other packets, and these were not further sightings. */
  #has(id: number, { direction, counts }: Share): boolean {
    const first = (id << DOUBLE_SHIFT) + D_COUNTERS;
    const at = first + direction * COUNTERS;
    const { doubles } = this.#entries;
    const isRest = doubles[first]! + doubles[first + COUNTERS]! > counts[0];
    return isRest && counts.every((count, k) => doubles[at + k]! >= count);
  }

  #add(id: number, { direction, counts }: Share, sign: 1 | -1): void {
    const at = (id << DOUBLE_SHIFT) + D_COUNTERS + direction * COUNTERS;
    for (const [k, count] of counts.entries()) this.#entries.doubles[at + k]! += sign * count;
  }
}

function datagramOf(sent: Share | undefined, { side, atUs }: EndChanges, row: number): Share | undefined {
  const eventUs = atUs[row]!;
  if (sent === undefined || sent.direction !== side[row]) return undefined;
  return sent.bootUs <= eventUs && sent.bootUs >= eventUs - HANDED_LAG_US ? sent : undefined;
}
