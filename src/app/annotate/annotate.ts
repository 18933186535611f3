/** A capture file with the owners of its packets written into it: it is read twice, for the owners and for the copy. */
import type { Maker } from '../../core/provenance.ts';
import type { Us } from '../../core/time.ts';
import type { FileDamage } from '../read/file-reading.ts';
import type { History } from '../read/history.ts';
import type { FactsMessage } from '../record/messages.ts';
import { AnnotatedFile, type Written } from './annotated-file.ts';
import { readOwners } from './read-owners.ts';
import { type Style, styleOf } from './styles.ts';

export interface AnnotateOptions extends Maker {
  readonly input: string;
  readonly output: string;
  readonly force: boolean; // the output may exist
  readonly every: boolean; // every packet is marked, not only the first of its flow
  readonly style: Style;
  readonly facts: readonly FactsMessage[];
  readonly history?: History | undefined;
  readonly onProgress: (bytesRead: number, packets: number) => void; // of both readings, so up to twice the size
}

export interface Annotated extends Written {
  readonly flows: number;
  readonly namedFlows: number;
  readonly damages: readonly FileDamage[];
  readonly firstUs: Us; // of the packets
  readonly lastUs: Us;
}

/** @throws UserError */
export async function annotate(options: AnnotateOptions): Promise<Annotated> {
  const { input, output, force, facts, history, onProgress } = options;
  const file = new AnnotatedFile([input], output, { force });
  const { owners, inputs } = file;
  try {
    const { damages, firstUs, lastUs } = await readOwners(owners, { inputs, facts, history, onProgress });
    const written = await file.write({ ...options, style: styleOf(options.style, owners, options.every) });
    return { ...written, flows: owners.count, namedFlows: owners.named, damages, firstUs, lastUs };
  } finally {
    file.abandon();
  }
}
