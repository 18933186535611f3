import { Attributor } from '../../attribution/attributor.ts';
import { type FileResult, type ReadingOptions, readFiles } from '../read/file-reading.ts';
import type { FlowOwners } from './flow-owners.ts';

export interface OwnerReading extends Pick<ReadingOptions, 'inputs' | 'facts' | 'history'> {
  readonly onProgress: (bytesRead: number, packets: number) => void;
}

/** The first reading of files that are copied: whose their flows are. @throws UserError */
export function readOwners(owners: FlowOwners, { onProgress, ...reading }: OwnerReading): Promise<FileResult> {
  return readFiles(
    { ...reading, attributor: new Attributor() },
    {
      tell: 'ends',
      onFlows: (flows) => owners.addFlows(flows),
      onAnswer: (serial, side, answer) => owners.addAnswer(serial, side, answer),
      onProgress,
    },
  );
}
