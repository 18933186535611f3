/** A capture file into others, as pcapng: it is read once more, when it is known whose its packets are. */
import { FILE_BATCH_BYTES, type OctetSink, PcapFileSource } from '../../capture/file.ts';
import { createDecodedBatch } from '../../core/decoded.ts';
import { createPacketBatch } from '../../core/packet.ts';
import { Decoder } from '../../decode/decode-batch.ts';
import { tryNative } from '../../native/binding.ts';
import type { CopyCounts } from '../../pcap/packet-edits.ts';
import { pcapOrder } from '../../pcap/pcap.ts';
import { PcapToPcapng } from '../../pcap/pcap-to-pcapng.ts';
import { PcapngCopy } from '../../pcap/pcapng-copy.ts';
import { turn } from '../read/waiting.ts';
import type { OwnerEdits } from './owner-edits.ts';

const BATCH_PACKETS = 4096;

export interface CopyOptions {
  readonly input: string;
  readonly decap?: boolean; // flows are those of the innermost packets
  readonly heading: string; // comment of the first section
  readonly onProgress: (bytesRead: number, packets: number) => void;
}

/** @throws UserError. Outputs still have to be flushed. */
export async function copyPackets(options: CopyOptions, edits: OwnerEdits): Promise<CopyCounts> {
  const { input, decap = false, heading, onProgress } = options;
  const batch = createPacketBatch(BATCH_PACKETS, FILE_BATCH_BYTES);
  const decoded = createDecodedBatch(BATCH_PACKETS);
  const decoder = new Decoder({ decap, fast: tryNative() });
  let copier: PcapngCopy | PcapToPcapng | undefined;
  const begin = (): PcapngCopy | PcapToPcapng =>
    pcapOrder(source.start) === undefined
      ? new PcapngCopy(edits, heading)
      : new PcapToPcapng(edits, source.start, heading);
  const sink: OctetSink = {
    walked(_, from, to, rest) {
      copier ??= begin();
      if (batch.count > 0) {
        decoder.decode(batch, decoded);
        edits.take(batch, decoded);
      }
      if (copier instanceof PcapngCopy) copier.copy(batch, from, to);
      else copier.copy(batch, rest);
    },
    skipped: (bytes, from, to) => copier!.passOn(bytes, from, to),
  };
  const source = new PcapFileSource({ path: input }, sink);
  try {
    for (;;) {
      const count = source.read(batch, 0);
      if (count < 0) break;
      onProgress(source.bytesRead, copier?.counts.packets ?? 0);
      if (count === 0) await source.more();
      else if (source.isCompressed) await turn();
    }
  } finally {
    source.close();
  }
  copier ??= begin();
  return copier.counts;
}
