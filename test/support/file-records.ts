import { type ReadingOptions, readFiles } from '../../src/app/read/file-reading.ts';
import { FlowBook } from '../../src/app/read/flow-book.ts';
import { Attributor } from '../../src/attribution/attributor.ts';
import type { FlowRecord } from '../../src/core/record.ts';

/** Flows of a capture with their owners, as `read` has them; users have no names. */
export async function recordsOf(
  path: string,
  from: Partial<Pick<ReadingOptions, 'facts' | 'history'>> = {},
): Promise<readonly FlowRecord[]> {
  const book = new FlowBook(() => null);
  await readFiles(
    { inputs: [{ path }], attributor: new Attributor(), facts: [], ...from },
    {
      onFlows: (flows) => book.addFlows(flows),
      onAnswer: (serial, side, answer) => book.addAnswer(serial, side, answer),
      onProgress: () => {},
    },
  );
  from.history?.close();
  return [...book.records()];
}
