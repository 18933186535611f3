/** A capture file, packet by packet, into flows with owners: the same decoder, flow table and attribution as live. */

import { Attributor, type OnAnswer } from '../../attribution/attributor.ts';
import { FILE_BATCH_BYTES, PcapFileSource } from '../../capture/file.ts';
import { createDecodedBatch } from '../../core/decoded.ts';
import type { FlowColumns } from '../../core/flow.ts';
import { createPacketBatch } from '../../core/packet.ts';
import type { CaptureCounters } from '../../core/tick.ts';
import { Decoder } from '../../decode/decode-batch.ts';
import { FlowTable } from '../../flow/flow-table.ts';
import { captureCounters } from '../record/capture-counters.ts';
import type { FactsMessage } from '../record/messages.ts';

const BATCH_PACKETS = 4096;
/** Seldom, because a drain looks at every flow that changed; often enough that no row is lost (FlowLimits.mostRows). */
const BATCHES_A_DRAIN = 64;
const NO_LIMIT_US = Number.POSITIVE_INFINITY;

/** What a reading hands out as it goes. */
export interface FileSink {
  onFlows(flows: FlowColumns, counters: CaptureCounters): void; // counters: totals so far
  readonly onAnswer: OnAnswer;
  onProgress(bytesRead: number, packets: number): void;
}

export interface FileResult {
  readonly counters: CaptureCounters;
  readonly damage: { readonly offset: number; readonly what: string } | undefined;
}

/**
 * Reads `path` to its end.
 *
 * @param attributor with the facts of that host; without one nobody is looked up, and no end has a reason
 * @throws UserError when the file is no capture that can be read
 */
export function readFile(path: string, attributor: Attributor | undefined, sink: FileSink): FileResult {
  const source = new PcapFileSource({ path });
  const batch = createPacketBatch(BATCH_PACKETS, FILE_BATCH_BYTES);
  const decoded = createDecodedBatch(BATCH_PACKETS);
  const decoder = new Decoder();
  const table = new FlowTable({ activeUs: NO_LIMIT_US, longLivedUs: NO_LIMIT_US, capacity: 1 << 20 });
  const counters = (): CaptureCounters => captureCounters(decoder, table, [source.stats()]);
  const hand = (flows: FlowColumns): void => {
    attributor?.addFlows(flows, sink.onAnswer);
    attributor?.answer(sink.onAnswer);
    sink.onFlows(flows, counters());
  };
  for (let batches = 1; source.read(batch, 1000) >= 0; batches++) {
    decoder.decode(batch, decoded);
    table.add(batch, decoded, 0, NO_LIMIT_US);
    if (batches % BATCHES_A_DRAIN === 0) hand(table.drain(NO_LIMIT_US));
    sink.onProgress(source.bytesRead, source.stats().received ?? 0);
  }
  hand(table.flush(NO_LIMIT_US));
  source.close();
  return { counters: counters(), damage: source.damage };
}

/** @returns undefined when there are no facts */
export function attributorOf(facts: readonly FactsMessage[]): Attributor | undefined {
  if (facts.length === 0) return undefined;
  const attributor = new Attributor();
  for (const message of facts) attributor.observe(message);
  return attributor;
}
