/** A capture file into one for each owner of its packets: it is read twice, for the owners and for the packets. */
import type { Maker } from '../../core/provenance.ts';
import { FileHash } from '../files/file-hash.ts';
import { regularFileSize } from '../files/regular-file.ts';
import type { FileResult } from '../read/file-reading.ts';
import type { History } from '../read/history.ts';
import type { FactsMessage } from '../record/messages.ts';
import { CommentStyle } from './comment-style.ts';
import { copyPackets } from './copy-packets.ts';
import { FlowFinder } from './flow-finder.ts';
import { FlowOwners } from './flow-owners.ts';
import { headingOf } from './heading.ts';
import { OwnerEdits } from './owner-edits.ts';
import { OwnerFiles, type OwnerFilesOptions, type OwnersFile } from './owner-files.ts';
import type { SplitBy } from './owner-groups.ts';
import { planOwners } from './owner-plan.ts';
import { readOwners } from './read-owners.ts';

export interface SplitOptions extends Maker, OwnerFilesOptions {
  readonly by: SplitBy;
  readonly facts: readonly FactsMessage[];
  readonly history?: History | undefined;
  readonly userName: (uid: number) => string | null;
  readonly onProgress: (bytesRead: number, packets: number) => void; // of both readings
}

export interface Split {
  readonly files: readonly OwnersFile[]; // most bytes first, the unknown last
  readonly unknown: ReadonlyMap<string, number>; // why packets have no owner, and how many they are
  readonly result: FileResult;
  readonly inputHash: string; // SHA-256
}

/** @throws UserError */
export async function splitFile(options: SplitOptions): Promise<Split> {
  const { input, by, facts, history, userName, onProgress } = options;
  const size = regularFileSize(input);
  const owners = new FlowOwners();
  const hash = new FileHash();
  const inputs = [{ path: input, onOctets: hash.take }];
  const result = await readOwners(owners, { inputs, facts, history, onProgress });
  const inputHash = hash.finish(input);
  const files = new OwnerFiles(options, planOwners(by, owners, userName));
  try {
    const edits = new OwnerEdits(new FlowFinder(owners.tuples), new CommentStyle(owners, false), files);
    const progress = (at: number, packets: number) => onProgress(size + at, packets);
    await copyPackets({ input, heading: headingOf(options, inputHash), onProgress: progress }, edits);
    return { files: files.finish(), unknown: files.unknown, result, inputHash };
  } finally {
    files.abandon();
  }
}
