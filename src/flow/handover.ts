/** The first packet of a process that took a socket over, which is counted before anybody knows whose it is. */
import type { DecodedBatch } from '../core/decoded.ts';
import type { PacketBatch } from '../core/packet.ts';
import type { Us } from '../core/time.ts';
import { KEY_WORDS, keyProtocol, Protocol } from '../core/tuple.ts';
import { COUNTERS, D_COUNTERS, D_FIRST, DOUBLE_SHIFT, type FlowEntries } from './flow-entries.ts';

/**
 * A sender is told when its call returns: 4 to 40 us after its packet (measured on loopback, where the receiver's work
 * comes in between), more when it writes much, and 41 us or more after the last packet of the process before. So time
 * alone cannot tell them apart: of the packets that its socket sent within this time, the last one is its own. (Of what
 * leaves in several packets only the last one, then: the others are counted to the process before.)
 */
const HANDED_LAG_US = 2000;
const TCP_PSH = 0x08;

interface Sent {
  readonly direction: number;
  readonly bootUs: Us;
  readonly counts: readonly [packets: number, bytes: number, ipBytes: number];
}

/** Of flows that wait for a handover: the packet that was sent last. */
export class Handovers {
  readonly #entries: FlowEntries;
  readonly #last = new Map<number, Sent>(); // by entry
  #taken: Sent | undefined; // between take() and give()

  constructor(entries: FlowEntries) {
    this.#entries = entries;
  }

  /** Packet `i`, sent at `bootUs` in that direction, is about to be counted. */
  note(id: number, direction: number, bootUs: Us, batch: PacketBatch, decoded: DecodedBatch, i: number): void {
    if (!isSent(decoded, i)) return;
    this.#last.set(id, { direction, bootUs, counts: [1, batch.origLen[i]!, decoded.ipBytes[i]!] });
  }

  /** Takes it back from the flow that ends by the handover of its sender, told at `eventUs`. */
  take(id: number, side: number, eventUs: Us): void {
    const sent = this.#last.get(id);
    this.#last.delete(id);
    const isNext = sent?.direction === side && sent.bootUs <= eventUs && sent.bootUs >= eventUs - HANDED_LAG_US;
    this.#taken = isNext && this.#has(id, sent) ? sent : undefined;
    if (this.#taken !== undefined) this.#add(id, this.#taken, -1);
  }

  /** Gives it to the flow that goes on in the same entry. */
  give(id: number): void {
    if (this.#taken === undefined) return;
    this.#add(id, this.#taken, 1);
    this.#entries.doubles[(id << DOUBLE_SHIFT) + D_FIRST] = this.#taken.bootUs;
    this.#taken = undefined;
  }

  forget(id: number): void {
    this.#last.delete(id);
  }

  /** Whether the flow keeps other packets, and this one was not a further sighting. */
  #has(id: number, { direction, counts }: Sent): boolean {
    const at = (id << DOUBLE_SHIFT) + D_COUNTERS + direction * COUNTERS;
    const { doubles } = this.#entries;
    return doubles[at]! > counts[0] && doubles[at + 1]! >= counts[1] && doubles[at + 2]! >= counts[2];
  }

  #add(id: number, { direction, counts }: Sent, sign: 1 | -1): void {
    const at = (id << DOUBLE_SHIFT) + D_COUNTERS + direction * COUNTERS;
    for (const [k, count] of counts.entries()) this.#entries.doubles[at + k]! += sign * count;
  }
}

/** What a process has sent: a datagram, or the segment that ends what was written. Others may be the kernel's own ACKs. */
function isSent(decoded: DecodedBatch, i: number): boolean {
  return keyProtocol(decoded.key, i * KEY_WORDS) !== Protocol.Tcp || (decoded.tcpFlags[i]! & TCP_PSH) !== 0;
}
