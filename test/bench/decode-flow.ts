/** The program that decode-flow.bench.ts measures: file -> decoder -> flow table, one drain a second of packet time. */
import { FILE_BATCH_BYTES, PcapFileSource } from '../../src/capture/file.ts';
import { createDecodedBatch } from '../../src/core/decoded.ts';
import { createPacketBatch } from '../../src/core/packet.ts';
import { Decoder } from '../../src/decode/decode-batch.ts';
import { FlowTable } from '../../src/flow/flow-table.ts';

const BATCH = 4096;
const [, , path = '', capacity = '262144'] = process.argv;
const source = new PcapFileSource({ path });
const batch = createPacketBatch(BATCH, FILE_BATCH_BYTES);
const decoded = createDecodedBatch(BATCH);
const decoder = new Decoder();
const flows = new FlowTable({ capacity: Number(capacity), activeUs: Infinity });
const mode = process.argv[4] ?? '';
let rows = 0;
let drained = 0;
while (source.read(batch, 0) > 0) {
  if (mode === 'read') continue;
  decoder.decode(batch, decoded);
  if (mode === 'decode') continue;
  flows.add(batch, decoded, 0, Infinity);
  const now = batch.sec[0]!;
  if (now === drained) continue;
  drained = now;
  rows += flows.drain(Infinity).count;
}
rows += flows.flush(Infinity).count;
const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
console.log(
  JSON.stringify({
    ...flows.counts,
    rows,
    decoded: [...decoder.counts.packets],
    cpuUs: userCPUTime + systemCPUTime,
    userCPUTime,
    maxRSS,
  }),
);
