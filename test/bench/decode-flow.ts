/** The program that decode-flow.bench.ts measures: file -> decoder -> flow table, with `names` their reader; rows at the end. */
import { NameCollector } from '../../src/app/record/capture/name-collector.ts';
import { FILE_BATCH_BYTES, PcapFileSource } from '../../src/capture/file.ts';
import { createDecodedBatch } from '../../src/core/decoded.ts';
import { createPacketBatch } from '../../src/core/packet.ts';
import { Decoder } from '../../src/decode/decode-batch.ts';
import { FlowTable } from '../../src/flow/flow-table.ts';
import { tryNative } from '../../src/native/binding.ts';

const BATCH = 4096;
const fast = tryNative();
const [path = '', capacity = '262144', what] = process.argv.slice(2);

const source = new PcapFileSource({ path });
const batch = createPacketBatch(BATCH, FILE_BATCH_BYTES);
const decoded = createDecodedBatch(BATCH);
const decoder = new Decoder({ fast });
const table = new FlowTable({ capacity: Number(capacity), activeUs: Infinity, fast });
const names = what === 'names' ? new NameCollector(table, 4096) : undefined;
while (source.read(batch, 0) > 0) {
  decoder.decode(batch, decoded);
  table.add(batch, decoded, 0, Infinity);
  names?.look(batch, decoded);
}
const rows = table.flush(Infinity).count;
console.log(JSON.stringify({ ...table.counts, rows }));
