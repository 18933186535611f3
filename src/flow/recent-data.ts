/** Segments with data that were counted lately: those that left before the kernel told who had written them. */
import type { DecodedBatch } from '../core/decoded.ts';
import type { PacketBatch } from '../core/packet.ts';
import type { FlowEntries } from './flow-entries.ts';

const ROWS = 8192; // a power of two. What a call writes while it waits for room is told when it returns
const DATA_OFFSET = 12; // octet of the TCP header, its high half in words of 32 bits
const IN_USE = 1; // flag of a row's way, so that an unused row is nobody's

/** Octets that the TCP segment `i` carries; 0 also for a header that was cut off, and other protocols. */
export function payloadOf(batch: PacketBatch, decoded: DecodedBatch, i: number): number {
  if (decoded.tcpFlags[i] === 0) return 0;
  const at = decoded.transportAt[i]!;
  const header = (batch.bytes[at + DATA_OFFSET]! >> 4) * 4;
  return Math.max(0, decoded.ipBytes[i]! - (at - decoded.ipAt[i]!) - header);
}

/** The distance from sequence number b to a, in a window of 2^31: RFC 9293 section 3.4. */
export const sequenceDistance = (a: number, b: number): number => (a - b) | 0;

/** A ring of segments, which belong to a flow by entry and serial. */
export class RecentData {
  readonly #entries: FlowEntries;
  readonly #way = new Int32Array(ROWS); // shifted, | IN_USE
  readonly #serial = new Uint32Array(ROWS); // low bits
  readonly #sequence = new Uint32Array(ROWS);
  readonly #payload = new Uint32Array(ROWS);
  readonly #bytes = new Uint32Array(ROWS);
  readonly #ipBytes = new Uint32Array(ROWS);
  #next = 0;

  constructor(entries: FlowEntries) {
    this.#entries = entries;
  }

  /** Packet `i` was counted in its flow. */
  note(way: number, batch: PacketBatch, decoded: DecodedBatch, i: number): void {
    const payload = payloadOf(batch, decoded, i);
    if (payload === 0) return;
    const row = this.#next++ & (ROWS - 1);
    this.#way[row] = (way << 1) | IN_USE;
    this.#serial[row] = this.#entries.serial[way >> 1]!;
    this.#sequence[row] = decoded.tcpSeq[i]!;
    this.#payload[row] = payload;
    this.#bytes[row] = batch.origLen[i]!;
    this.#ipBytes[row] = decoded.ipBytes[i]!;
  }

  /** What the flow has counted from a sequence number on; of a segment that begins before it only octets. */
  beyond(way: number, sequence: number): [packets: number, bytes: number, ipBytes: number] {
    const serial = this.#entries.serial[way >> 1]! >>> 0;
    const sum: [number, number, number] = [0, 0, 0];
    for (let row = 0; row < Math.min(this.#next, ROWS); row++) {
      if (this.#way[row] !== ((way << 1) | IN_USE) || this.#serial[row] !== serial) continue;
      const before = sequenceDistance(sequence, this.#sequence[row]!); // octets of the process before
      const payload = this.#payload[row]!;
      if (before >= payload) continue;
      sum[0] += before > 0 ? 0 : 1;
      sum[1] += before > 0 ? payload - before : this.#bytes[row]!;
      sum[2] += before > 0 ? payload - before : this.#ipBytes[row]!;
    }
    return sum;
  }
}
