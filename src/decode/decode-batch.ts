/** The decoder: columns of packets in, columns of five-tuples out. */
import { createDecodedBatch, type DecodedBatch, DecodeStatus } from '../core/decoded.ts';
import type { FastPath } from '../core/fast-path.ts';
import { createPacketBatch, type PacketBatch } from '../core/packet.ts';
import { FragmentTable, MOST_WAITING } from './fragments.ts';
import { HeldFragments, type LooseRows } from './held-fragments.ts';
import { decodeLink } from './link.ts';
import { decapsulate } from './tunnel.ts';
import type { Work } from './work.ts';

const STATUSES = 5;

/** Totals since the decoder was made. */
export interface DecodeCounts {
  readonly packets: Float64Array; // [DecodeStatus]
  readonly bytes: Float64Array; // [DecodeStatus], frame.len
  ipBytes: number; // of Ok packets
  readonly unsupported: Map<number, number>; // LINKTYPE_* number that is not decoded -> packets
}

export interface DecoderOptions {
  /** Rows of the innermost packet of a tunnel; else, and where the inside cannot be read, of the outermost. */
  readonly decap?: boolean;
  /** Fragments whose first one has not come wait beyond their batch for it: takeReleased() has to be asked. */
  readonly holdFragments?: boolean;
  /** Decodes the packets that are plain, several times as fast; it says of them what the layers here would say. */
  readonly fast?: FastPath | undefined;
}

/** Has a lifetime because fragments join across batches. */
export class Decoder {
  readonly counts: DecodeCounts = {
    packets: new Float64Array(STATUSES),
    bytes: new Float64Array(STATUSES),
    ipBytes: 0,
    unsupported: new Map(),
  };
  readonly #work: Work;
  readonly #fast: FastPath | undefined;
  readonly #decap: boolean;
  #left = new Uint16Array(0); // rows that are not plain
  readonly #sums = new Float64Array(2); // bytes and ipBytes of those that are
  readonly #held: HeldFragments | undefined;

  constructor({ decap = false, holdFragments = false, fast }: DecoderOptions = {}) {
    this.#fast = decap ? undefined : fast; // a tunnel is never plain
    this.#decap = decap;
    this.#held = holdFragments ? new HeldFragments(MOST_WAITING) : undefined;
    const batch = createPacketBatch(1, 1);
    const view = new DataView(batch.bytes.buffer);
    this.#work = {
      view,
      batch,
      out: createDecodedBatch(1),
      at: 0,
      unsupported: 0,
      frameEnd: 0,
      fragments: new FragmentTable(undefined, this.#held),
    };
  }

  /**
   * Fills rows 0 to batch.count - 1 of `out`, and `ifindex` and `pktType` of the batch from SLL headers.
   * Never throws and never reads outside a packet, whatever its octets are.
   */
  decode(batch: PacketBatch, out: DecodedBatch): void {
    const work = this.#work;
    const bytes = batch.bytes;
    if (work.batch.bytes !== bytes) work.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    work.batch = batch;
    work.out = out;
    const { count, origLen } = batch;
    const { ipBytes } = out;
    const isFast = this.#fast !== undefined;
    const left = isFast ? this.#decodePlain(this.#fast, batch, out) : count;
    let okPackets = count - left;
    let okBytes = this.#sums[0]!;
    let okIpBytes = this.#sums[1]!;
    for (let n = 0; n < left; n++) {
      const i = isFast ? this.#left[n]! : n;
      const result = this.#decodeLayers(i);
      if (result === DecodeStatus.Ok) {
        okPackets++;
        okBytes += origLen[i]!;
        okIpBytes += ipBytes[i]!;
      } else this.#countBad(result, batch, i);
    }
    work.fragments.endBatch(batch, out);
    const counts = this.counts;
    counts.packets[DecodeStatus.Ok]! += okPackets;
    counts.bytes[DecodeStatus.Ok]! += okBytes;
    counts.ipBytes += okIpBytes;
  }

  /** Rows of earlier batches whose wait is over, older than those of the batch that was decoded last; undefined: none. */
  takeReleased(): LooseRows | undefined {
    return this.#held?.take();
  }

  /** Nothing waits any longer. */
  releaseFragments(): void {
    this.#held?.releaseAll();
  }

  /** @returns how many rows are left */
  #decodePlain(fast: FastPath, batch: PacketBatch, out: DecodedBatch): number {
    if (this.#left.length < batch.capacity) this.#left = new Uint16Array(batch.capacity);
    const { bytes, count, netns, offset, capLen, origLen, linkType } = batch;
    const { status, key, ipAt, transportAt, ipBytes, tcpFlags, tcpSeq } = out;
    return fast.decodePlain(
      bytes,
      count,
      netns,
      offset,
      capLen,
      origLen,
      linkType,
      status,
      key,
      ipAt,
      transportAt,
      ipBytes,
      tcpFlags,
      tcpSeq,
      this.#left,
      this.#sums,
    );
  }

  #decodeLayers(i: number): number {
    const work = this.#work;
    const { offset, capLen, origLen } = work.batch;
    const at = offset[i]!;
    const end = at + capLen[i]!;
    work.frameEnd = at + origLen[i]!;
    const result = decodeLink(work, i, at, end);
    if (this.#decap && result === DecodeStatus.Ok) decapsulate(work, i, end);
    work.out.status[i] = result;
    return result;
  }

  #countBad(result: number, batch: PacketBatch, i: number): void {
    const { packets, bytes, unsupported } = this.counts;
    packets[result]! += 1;
    bytes[result]! += batch.origLen[i]!;
    if (result !== DecodeStatus.Unsupported) return;
    const linkType = this.#work.unsupported;
    unsupported.set(linkType, (unsupported.get(linkType) ?? 0) + 1);
  }
}
