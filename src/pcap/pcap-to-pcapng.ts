/** A classic capture file as a section of pcapng: packets, times and lengths as they are. */
import type { PacketBatch } from '../core/packet.ts';
import type { Output } from './output.ts';
import type { CopyCounts, PacketEdits } from './packet-edits.ts';
import { pcapOrder } from './pcap.ts';
import { InterfaceOption, Option, TimeResolution } from './pcapng-blocks.ts';
import { putInterface, putPacket, putPacketEnd, putSection } from './written-blocks.ts';
import { joined, octetsOption, textOption } from './written-options.ts';

/** Octets of a pcap file header. */
const SNAPLEN = 16;
const LINK_TYPE = 20; // low 16 bits
const FCS_TOLD = 0x04000000; // the upper four bits are the length of the frame check sequence, in 16 bits

export class PcapToPcapng {
  readonly counts: CopyCounts = { packets: 0, marked: 0, refused: 0 };
  readonly #edits: PacketEdits;
  readonly #nanosecond: boolean;
  #targets: readonly Output[] = []; // of a packet whose rest is still to come,
  #rest = 0; // octets of it,
  #putEnd: ((out: Output) => void) | undefined; // and what follows them

  /** @param header of the pcap file, 24 octets. @param heading comment of the section */
  constructor(edits: PacketEdits, header: Uint8Array, heading: string) {
    this.#edits = edits;
    const { nanosecond, littleEndian } = pcapOrder(header)!;
    this.#nanosecond = nanosecond;
    const view = new DataView(header.buffer, header.byteOffset, header.byteLength);
    for (const out of edits.outputs) {
      putSection(out, textOption(Option.Comment, heading, true));
      this.#putInterface(out, view.getUint32(LINK_TYPE, littleEndian), view.getUint32(SNAPLEN, littleEndian));
    }
    edits.beginSection(true);
  }

  /** @param rest octets of the last packet that are not in the batch: passOn() gets them */
  copy(batch: PacketBatch, rest: number): void {
    const edits = this.#edits;
    const { capLen, pktType, count } = batch;
    for (let row = 0; row < count; row++) {
      const outputs = edits.outputsOf(row);
      const more = row === count - 1 ? rest : 0;
      if (more > 0) [this.#targets, this.#rest] = [outputs, more];
      if (outputs.length === 0) continue;
      const edit = edits.edit(row);
      for (const out of outputs) putPacket(out, batch, row, 0, this.#nanosecond, edit, more);
      if (more > 0) {
        const [captured, type] = [capLen[row]! + more, pktType[row]!];
        this.#putEnd = (out) => putPacketEnd(out, captured, type, edit);
      }
      if (edit !== undefined) this.counts.marked++;
      this.counts.packets++;
    }
  }

  /** The rest of a packet that is larger than a batch. */
  passOn(bytes: Uint8Array, from: number, to: number): void {
    this.#rest -= to - from;
    for (const out of this.#targets) {
      out.copy(bytes, from, to);
      if (this.#rest === 0) this.#putEnd?.(out);
    }
  }

  #putInterface(out: Output, linkType: number, snaplen: number): void {
    const resolution = this.#nanosecond ? TimeResolution.Nanoseconds : TimeResolution.Microseconds;
    const options = [octetsOption(InterfaceOption.TimeResolution, Uint8Array.of(resolution), true)];
    if ((linkType & FCS_TOLD) !== 0) {
      options.push(octetsOption(InterfaceOption.FcsLength, Uint8Array.of((linkType >>> 28) * 16), true));
    }
    putInterface(out, linkType & 0xffff, snaplen, joined(options));
  }
}
