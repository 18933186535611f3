import { DecodeStatus } from '../../../core/decoded.ts';
import type { CaptureStats } from '../../../core/packet.ts';
import type { CaptureCounters } from '../../../core/tick.ts';
import type { Decoder } from '../../../decode/decode-batch.ts';
import type { FlowTable } from '../../../flow/flow-table.ts';

/** Totals of a capture, from the three places that count. */
export function captureCounters(
  decoder: Decoder,
  table: FlowTable,
  sources: readonly CaptureStats[],
  namesLost: number,
): CaptureCounters {
  const { packets, bytes, ipBytes } = decoder.counts;
  const flow = table.counts;
  return {
    packets: total(packets),
    bytes: total(bytes),
    ipBytes,
    flowPackets: flow.packets - flow.duplicatePackets,
    flowBytes: flow.bytes - flow.duplicateBytes,
    duplicatePackets: flow.duplicatePackets,
    duplicateBytes: flow.duplicateBytes,
    notIpPackets: packets[DecodeStatus.NotIp]! + packets[DecodeStatus.Unsupported]!,
    notIpBytes: bytes[DecodeStatus.NotIp]! + bytes[DecodeStatus.Unsupported]!,
    badPackets: packets[DecodeStatus.Truncated]! + packets[DecodeStatus.Malformed]!,
    badBytes: bytes[DecodeStatus.Truncated]! + bytes[DecodeStatus.Malformed]!,
    received: sumKnown(sources.map((stats) => stats.received)),
    kernelDrops: sumKnown(sources.map((stats) => stats.kernelDrops)),
    interfaceDrops: sumKnown(sources.map((stats) => stats.interfaceDrops)),
    flowsEvicted: flow.evicted,
    flowsLost: flow.lost,
    factsLost: 0, // main knows, and of looks too
    looksSkipped: 0,
    factsLate: flow.late,
    namesLost,
  };
}

function total(column: Float64Array): number {
  return column.reduce((sum, n) => sum + n, 0);
}

/** One source that does not know makes the sum unknown. */
function sumKnown(numbers: readonly (number | undefined)[]): number | null {
  let sum = 0;
  for (const n of numbers) {
    if (n === undefined) return null;
    sum += n;
  }
  return sum;
}
