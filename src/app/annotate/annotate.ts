/** A capture file with the owners of its packets written into it: it is read twice, for the owners and for the copy. */
import { createHash } from 'node:crypto';
import { closeSync, openSync, readSync, type Stats, statSync } from 'node:fs';
import { Attributor } from '../../attribution/attributor.ts';
import { FILE_BATCH_BYTES, type OctetSink, PcapFileSource } from '../../capture/file.ts';
import { createDecodedBatch } from '../../core/decoded.ts';
import { UserError } from '../../core/errors.ts';
import { createPacketBatch } from '../../core/packet.ts';
import type { Us } from '../../core/time.ts';
import { Decoder } from '../../decode/decode-batch.ts';
import { Output } from '../../pcap/output.ts';
import type { CopyCounts } from '../../pcap/packet-edits.ts';
import { pcapOrder } from '../../pcap/pcap.ts';
import { PcapToPcapng } from '../../pcap/pcap-to-pcapng.ts';
import { PcapngCopy } from '../../pcap/pcapng-copy.ts';
import { type FileDamage, readFiles } from '../read/file-reading.ts';
import type { History } from '../read/history.ts';
import type { FactsMessage } from '../record/messages.ts';
import { FlowFinder } from './flow-finder.ts';
import { FlowOwners } from './flow-owners.ts';
import { OutputFile } from './output-file.ts';
import { OwnerEdits } from './owner-edits.ts';
import { regularFileSize } from './regular-file.ts';
import { type Style, styleOf } from './styles.ts';

const BATCH_PACKETS = 4096;
const HASHED_OCTETS = 1 << 18; // at a time: they stay in the cache

export interface AnnotateOptions {
  readonly input: string;
  readonly output: string;
  readonly force: boolean; // the output may exist
  readonly every: boolean; // every packet is marked, not only the first of its flow
  readonly style: Style;
  readonly facts: readonly FactsMessage[];
  readonly history?: History | undefined;
  readonly version: string;
  readonly command: string;
  readonly onProgress: (bytesRead: number, packets: number) => void; // of both readings, so up to twice the size
}

export interface Annotated {
  readonly counts: CopyCounts;
  readonly flows: number;
  readonly namedFlows: number;
  readonly damages: readonly FileDamage[];
  readonly firstUs: Us; // of the packets
  readonly lastUs: Us;
  readonly inputHash: string; // SHA-256
  readonly outputHash: string;
}

/** @throws UserError */
export async function annotate(options: AnnotateOptions): Promise<Annotated> {
  const { input, output, force, onProgress } = options;
  const size = regularFileSize(input);
  if (isSameFile(input, output)) throw new UserError('same-file', `${output} is the input`, 'Name another output.');
  const file = new OutputFile(output, { force });
  try {
    const owners = new FlowOwners();
    const { damages, firstUs, lastUs } = await readFiles(
      { inputs: [{ path: input }], attributor: new Attributor(), facts: options.facts, history: options.history },
      {
        tell: 'ends',
        onFlows: (flows) => owners.addFlows(flows),
        onAnswer: (serial, side, answer) => owners.addAnswer(serial, side, answer),
        onProgress,
      },
    );
    const inputHash = hashOf(input);
    const edits = new OwnerEdits(new FlowFinder(owners.tuples), styleOf(options.style, owners, options.every));
    const heading = `pcapid ${options.version}: ${options.command}; input sha256 ${inputHash}`;
    const counts = await copy({ ...options, onProgress: (at, n) => onProgress(size + at, n) }, file, edits, heading);
    return {
      counts,
      flows: owners.count,
      namedFlows: owners.named,
      damages,
      firstUs,
      lastUs,
      inputHash,
      outputHash: file.finish(),
    };
  } finally {
    file.abandon();
  }
}

async function copy(
  { input, onProgress }: AnnotateOptions,
  file: OutputFile,
  edits: OwnerEdits,
  heading: string,
): Promise<CopyCounts> {
  const out = new Output(file.write);
  const batch = createPacketBatch(BATCH_PACKETS, FILE_BATCH_BYTES);
  const decoded = createDecodedBatch(BATCH_PACKETS);
  const decoder = new Decoder();
  let copier: PcapngCopy | PcapToPcapng | undefined;
  const begin = (): PcapngCopy | PcapToPcapng =>
    pcapOrder(source.start) === undefined ? new PcapngCopy(out, heading) : new PcapToPcapng(out, source.start, heading);
  const sink: OctetSink = {
    walked(_, from, to) {
      copier ??= begin();
      if (batch.count > 0) {
        decoder.decode(batch, decoded);
        edits.take(batch, decoded);
      }
      if (copier instanceof PcapngCopy) copier.copy(batch, from, to, edits);
      else copier.copy(batch, edits);
    },
    skipped(bytes, from, to) {
      if (copier instanceof PcapngCopy) out.copy(bytes, from, to);
      else throw new UserError('huge-packet', `${input} has packets of more than 1 MiB`, 'They cannot be copied yet.');
    },
  };
  const source = new PcapFileSource({ path: input }, sink);
  try {
    for (;;) {
      const count = source.read(batch, 0);
      if (count < 0) break;
      onProgress(source.bytesRead, copier?.counts.packets ?? 0);
      if (count === 0) await source.more();
      else if (source.isCompressed) await new Promise((resolve) => setImmediate(resolve));
    }
  } finally {
    source.close();
  }
  copier ??= begin();
  out.flush();
  return copier.counts;
}

function isSameFile(one: string, other: string): boolean {
  const [a, b] = [one, other].map(statOrUndefined);
  return a !== undefined && b !== undefined && a.dev === b.dev && a.ino === b.ino;
}

function hashOf(path: string): string {
  const hash = createHash('sha256');
  const room = Buffer.allocUnsafe(HASHED_OCTETS);
  const fd = openSync(path, 'r');
  try {
    for (let count = readSync(fd, room); count > 0; count = readSync(fd, room)) hash.update(room.subarray(0, count));
  } finally {
    closeSync(fd);
  }
  return hash.digest('hex');
}

/** Where nobody may look, OutputFile says so. */
function statOrUndefined(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}
