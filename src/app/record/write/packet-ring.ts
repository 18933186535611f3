/**
 * Packets on their way from the capture thread to the one that writes them into a file: a ring in shared memory with one
 * writer and one reader. A batch goes in as it is, with one copy for all of its packets; where it finds no room it is
 * dropped and counted, so that the capture never waits.
 */
import type { PacketBatch } from '../../../core/packet.ts';
import type { Us } from '../../../core/time.ts';

const DEFAULT_BYTES = 64 << 20; // half a second of 1 Gbit/s

/** Words at the beginning of the shared memory. Positions count octets / 8 from the start, modulo 2^32. */
const WRITTEN = 0;
const READ = 1;
const LOST = 2; // packets that found no room
const BASE = 3; // position of the first octet: an empty ring begins anew there, so that little traffic needs little memory
const HEAD_BYTES = 64;

const UNIT = 8;
/** A batch: words [octets / 8 of all of it, packets, lost before it, 0], time, namespace, columns, octets. */
const WORDS = 4;
const BATCH_HEAD = WORDS * 4 + 2 * 8;
const COLUMN_BYTES = [8, 4, 4, 4, 4, 4, 4, 2, 1]; // as in columnsAt()

/** Packets as the capture thread left them. Columns are valid until pop(). */
export interface WaitingBatch extends Omit<PacketBatch, 'capacity' | 'netns'> {
  readonly atUs: Us; // CLOCK_BOOTTIME at which they were counted
  readonly netns: number; // inode of the namespace that they were seen in
  readonly serial: Float64Array; // of the flow of each, negative in its reply direction; 0: of none
  readonly lostBefore: number; // packets between the batch before and this one
}

export class PacketRing {
  readonly shared: SharedArrayBuffer;
  readonly #positions: Int32Array;
  readonly #units: number;
  readonly #bytes: Uint8Array;
  #lost = 0; // since the last batch that found room; of the writing side

  /** @param shared of the ring that another thread made, or octets of a new one */
  constructor(shared: SharedArrayBuffer | number = DEFAULT_BYTES) {
    this.shared = typeof shared === 'number' ? new SharedArrayBuffer(HEAD_BYTES + shared) : shared;
    this.#positions = new Int32Array(this.shared, 0, HEAD_BYTES / 4);
    this.#bytes = new Uint8Array(this.shared, HEAD_BYTES);
    this.#units = Math.floor(this.#bytes.length / UNIT);
  }

  /** Packets that found no room, since the start. */
  get lost(): number {
    return Atomics.load(this.#positions, LOST) >>> 0;
  }

  /** More waits than there is room for as much again: whoever reads should not wait for anything. */
  get isHalfFull(): boolean {
    const { written, read } = this.#state();
    return (written - read) >>> 0 > this.#units / 2;
  }

  /** @param netns inode. @returns false: there was no room */
  push(batch: PacketBatch, serial: Float64Array, netns: number, atUs: Us): boolean {
    const { count, offset, capLen } = batch;
    if (count === 0) return true;
    const begin = offset[0]!;
    const octets = offset[count - 1]! + capLen[count - 1]! - begin;
    const size = units(BATCH_HEAD) + COLUMN_BYTES.reduce((sum, n) => sum + units(n * count), 0) + units(octets);
    const at = this.#makeRoom(size);
    if (at === undefined) {
      this.#lost += count;
      Atomics.add(this.#positions, LOST, count);
      return false;
    }
    const { words, times, columns, bytes } = this.#viewsAt(at, count, octets);
    words.set([size, count, this.#lost, 0]);
    times.set([atUs, netns]);
    this.#lost = 0;
    const { origLen, sec, nsec, ifindex, linkType, pktType } = batch;
    [serial, offset, capLen, origLen, sec, nsec, ifindex, linkType, pktType].forEach((column, n) => {
      columns[n]!.set(column.subarray(0, count));
    });
    const offsets = columns[1]!;
    if (begin > 0) for (let i = 0; i < count; i++) offsets[i]! -= begin;
    bytes.set(batch.bytes.subarray(begin, begin + octets));
    Atomics.add(this.#positions, WRITTEN, size);
    return true;
  }

  /** The oldest batch that waits; undefined: none does. */
  peek(): WaitingBatch | undefined {
    for (;;) {
      const { written, read } = this.#state();
      if (written === read) return undefined;
      const at = this.#offsetOf(read);
      const words = new Uint32Array(this.shared, HEAD_BYTES + at * UNIT, 2);
      const [size, count] = [words[0]!, words[1]!];
      if (count > 0) return this.#batchAt(at, size, count);
      Atomics.add(this.#positions, READ, size); // what was left at the end of the ring
    }
  }

  /** The batch of peek() is done. */
  pop(): void {
    const at = this.#offsetOf(Atomics.load(this.#positions, READ));
    Atomics.add(this.#positions, READ, new Uint32Array(this.shared, HEAD_BYTES + at * UNIT, 1)[0]!);
  }

  /** Where a batch of that many units may begin: they lie side by side. */
  #makeRoom(size: number): number | undefined {
    const { written, read } = this.#state();
    const used = (written - read) >>> 0;
    if (used === 0) Atomics.store(this.#positions, BASE, written); // who reads looks at it only when there is something
    const at = this.#offsetOf(written);
    const rest = this.#units - at;
    const skipped = rest < size ? rest : 0;
    if (used + skipped + size > this.#units) return undefined;
    if (skipped === 0) return at;
    new Uint32Array(this.shared, HEAD_BYTES + at * UNIT, 2).set([skipped, 0]);
    Atomics.add(this.#positions, WRITTEN, skipped);
    return 0;
  }

  #offsetOf(position: number): number {
    return ((position - Atomics.load(this.#positions, BASE)) >>> 0) % this.#units;
  }

  #state(): { readonly written: number; readonly read: number } {
    return { written: Atomics.load(this.#positions, WRITTEN), read: Atomics.load(this.#positions, READ) };
  }

  #batchAt(at: number, size: number, count: number): WaitingBatch {
    const { words, times, columns, bytes } = this.#viewsAt(at, count, undefined, size);
    const [serial, offset, capLen, origLen, sec, nsec, ifindex, linkType, pktType] = columns;
    return {
      count,
      bytes,
      offset,
      capLen,
      origLen,
      sec,
      nsec,
      ifindex,
      linkType,
      pktType,
      serial,
      atUs: times[0]!,
      netns: times[1]!,
      lostBefore: words[2]!,
    };
  }

  #viewsAt(at: number, count: number, octets: number | undefined, size = 0) {
    const { shared } = this;
    let next = HEAD_BYTES + at * UNIT;
    const take = (length: number): number => {
      const from = next;
      next += units(length) * UNIT;
      return from;
    };
    const words = new Uint32Array(shared, take(WORDS * 4), WORDS);
    const times = new Float64Array(shared, take(2 * 8), 2);
    const u32 = (): Uint32Array => new Uint32Array(shared, take(4 * count), count);
    const serial = new Float64Array(shared, take(8 * count), count);
    const [offset, capLen, origLen, sec, nsec, ifindex] = [u32(), u32(), u32(), u32(), u32(), u32()];
    const linkType = new Uint16Array(shared, take(2 * count), count);
    const pktType = new Uint8Array(shared, take(count), count);
    const length = octets ?? HEAD_BYTES + (at + size) * UNIT - next;
    const bytes = new Uint8Array(shared, next, length);
    const columns = [serial, offset, capLen, origLen, sec, nsec, ifindex, linkType, pktType] as const;
    return { words, times, columns, bytes };
  }
}

const units = (octets: number): number => Math.ceil(octets / UNIT);
