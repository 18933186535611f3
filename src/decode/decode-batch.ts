/** The decoder: columns of packets in, columns of five-tuples out. */
import { createDecodedBatch, type DecodedBatch, DecodeStatus } from '../core/decoded.ts';
import { createPacketBatch, type PacketBatch } from '../core/packet.ts';
import { FragmentTable, MOST_WAITING } from './fragments.ts';
import { HeldFragments, type LooseRows } from './held-fragments.ts';
import { decodeLink } from './link.ts';
import { PlainDecoder } from './plain.ts';
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
  readonly #plain: PlainDecoder | undefined; // a tunnel is never plain
  readonly #held: HeldFragments | undefined;

  constructor({ decap = false, holdFragments = false }: DecoderOptions = {}) {
    this.#plain = decap ? undefined : new PlainDecoder();
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
    const plain = this.#plain;
    const left = plain?.decode(work.view, batch, out) ?? count;
    let okPackets = count - left;
    let okBytes = plain?.bytes ?? 0;
    let okIpBytes = plain?.ipBytes ?? 0;
    for (let n = 0; n < left; n++) {
      const i = plain?.left[n] ?? n;
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

  #decodeLayers(i: number): number {
    const work = this.#work;
    const { offset, capLen, origLen } = work.batch;
    const at = offset[i]!;
    const end = at + capLen[i]!;
    work.frameEnd = at + origLen[i]!;
    const result = decodeLink(work, i, at, end);
    if (this.#plain === undefined && result === DecodeStatus.Ok) decapsulate(work, i, end);
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
