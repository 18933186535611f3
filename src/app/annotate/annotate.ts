/** A capture file with the owners of its packets written into it: it is read twice, for the owners and for the copy. */
import { Attributor } from '../../attribution/attributor.ts';
import type { Us } from '../../core/time.ts';
import { Output } from '../../pcap/output.ts';
import type { CopyCounts } from '../../pcap/packet-edits.ts';
import { type FileDamage, readFiles } from '../read/file-reading.ts';
import type { History } from '../read/history.ts';
import type { FactsMessage } from '../record/messages.ts';
import { CommentStyle } from './comment-style.ts';
import { copyPackets } from './copy-packets.ts';
import { FileHash } from './file-hash.ts';
import { FlowFinder } from './flow-finder.ts';
import { FlowOwners } from './flow-owners.ts';
import { headingOf } from './heading.ts';
import { OutputFile, refuseSameFile } from './output-file.ts';
import { OwnerEdits } from './owner-edits.ts';
import type { OwnerStyle } from './owner-style.ts';
import { DarwinStyle, InfoStyle } from './process-style.ts';
import { regularFileSize } from './regular-file.ts';

export const STYLES = ['comments', 'pib', 'darwin'] as const;
export type Style = (typeof STYLES)[number];

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
  refuseSameFile(input, output);
  const file = new OutputFile(output, { force });
  try {
    const owners = new FlowOwners();
    const hash = new FileHash();
    const inputs = [{ path: input, onOctets: hash.take }];
    const { damages, firstUs, lastUs } = await readFiles(
      { inputs, attributor: new Attributor(), facts: options.facts, history: options.history },
      {
        tell: 'ends',
        onFlows: (flows) => owners.addFlows(flows),
        onAnswer: (serial, side, answer) => owners.addAnswer(serial, side, answer),
        onProgress,
      },
    );
    const inputHash = hash.finish(input);
    const out = new Output(file.write);
    const outputs = [out];
    const edits = new OwnerEdits(new FlowFinder(owners.tuples), styleOf(options, owners), {
      outputs,
      route: () => outputs,
    });
    const heading = headingOf(options, inputHash);
    const counts = await copyPackets({ input, heading, onProgress: (at, n) => onProgress(size + at, n) }, edits);
    out.flush();
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

function styleOf({ style, every }: AnnotateOptions, owners: FlowOwners): OwnerStyle {
  if (style === 'pib') return new InfoStyle(owners, every);
  return style === 'darwin' ? new DarwinStyle(owners, every) : new CommentStyle(owners, every);
}
