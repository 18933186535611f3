/** What the protocol files of this folder share: the batch in work, and the order in which headers hand on. */
import type { DecodedBatch } from '../core/decoded.ts';
import type { PacketBatch } from '../core/packet.ts';
import type { FragmentTable } from './fragments.ts';

/**
 * One batch in work. Every protocol has one function
 *
 *     decodeX(work, i, at, end): status
 *
 * that reads the header at octet `at` of packet `i`, writes row `i` of `out` and hands on to the next header. It never
 * throws and never reads at or past `end`, the end of what was captured (or of the IP packet, whichever is first).
 */
export interface Work {
  view: DataView; // of batch.bytes; a DataView, because getInt32 is one load where four octets are four
  batch: PacketBatch;
  out: DecodedBatch;
  at: number; // octet behind the headers below IP that were skipped, layer.ts
  unsupported: number; // LINKTYPE_* number of the latest packet that was Unsupported; inside PKTAP or PPI, theirs
  frameEnd: number; // octet in `view` at which packet i would end had it been captured whole
  readonly fragments: FragmentTable;
}

/** A value of DecodeStatus. */
export type Status = number;
