/** A classic capture file as one section of pcapng: packets, times and lengths as they are. */
import type { PacketBatch } from '../core/packet.ts';
import type { Output } from './output.ts';
import type { CopyCounts, PacketEdits } from './packet-edits.ts';
import { pcapOrder } from './pcap.ts';
import { InterfaceOption, Option, TimeResolution } from './pcapng-blocks.ts';
import { putInterface, putPacket, putSection } from './written-blocks.ts';
import { joined, octetsOption, textOption } from './written-options.ts';

/** Octets of a pcap file header. */
const SNAPLEN = 16;
const LINK_TYPE = 20; // low 16 bits
const FCS_TOLD = 0x04000000; // the upper four bits are the length of the frame check sequence, in 16 bits

export class PcapToPcapng {
  readonly counts: CopyCounts = { packets: 0, marked: 0, refused: 0 };
  readonly #out: Output;
  readonly #nanosecond: boolean;

  /** @param header of the pcap file, 24 octets. @param heading comment of the section */
  constructor(out: Output, header: Uint8Array, heading: string) {
    this.#out = out;
    const { nanosecond, littleEndian } = pcapOrder(header)!;
    this.#nanosecond = nanosecond;
    putSection(out, textOption(Option.Comment, heading, true));
    const view = new DataView(header.buffer, header.byteOffset, header.byteLength);
    this.#putInterface(view.getUint32(LINK_TYPE, littleEndian), view.getUint32(SNAPLEN, littleEndian));
  }

  copy(batch: PacketBatch, edits: PacketEdits): void {
    if (this.counts.packets === 0) edits.beginSection(true);
    for (let row = 0; row < batch.count; row++) {
      const edit = edits.edit(row);
      putPacket(this.#out, batch, row, 0, this.#nanosecond, edit);
      if (edit !== undefined) this.counts.marked++;
    }
    this.counts.packets += batch.count;
  }

  #putInterface(linkType: number, snaplen: number): void {
    const resolution = this.#nanosecond ? TimeResolution.Nanoseconds : TimeResolution.Microseconds;
    const options = [octetsOption(InterfaceOption.TimeResolution, Uint8Array.of(resolution), true)];
    if ((linkType & FCS_TOLD) !== 0) {
      options.push(octetsOption(InterfaceOption.FcsLength, Uint8Array.of((linkType >>> 28) * 16), true));
    }
    putInterface(this.#out, linkType & 0xffff, snaplen, joined(options));
  }
}
