/** `explain FILE --flow N` and `--frame N`: why an end in a capture file has its owner. */
import { ownerOfFrame } from '../app/annotate/frame-owner.ts';
import { withInputs } from '../app/report/read-inputs.ts';
import type { Reader } from '../store/reader.ts';
import type { Context } from './context.ts';
import { inputOf } from './file-inputs.ts';
import { checkFrameFlags, type FrameFlags } from './frame-flags.ts';
import { warnOfGap } from './open-history.ts';
import { openOwnerSources, warnOfNoOwners } from './owner-sources.ts';
import { ReadProgress } from './read-progress.ts';
import { warnOfRest } from './read-summary.ts';
import { thisRun } from './this-run.ts';

/**
 * The file becomes a database for a while, so that stored flows and those of files are explained by the same rules.
 *
 * @param ask gets it and the flow's id in it
 * @throws UserError
 */
export async function withExplainedFile(
  context: Context,
  file: string,
  flags: FrameFlags,
  ask: (reader: Reader, flowId: number) => void,
): Promise<void> {
  checkFrameFlags(flags);
  const flowId = flags.flow ?? (await flowOfFrame(context, file, flags));
  const sources = await openOwnerSources(context, flags, [file]);
  const given = { factsPath: flags.facts, historyPath: flags.owners, stop: new AbortController().signal };
  const progress = new ReadProgress(context, [file]);
  const read = { ...sources, ...given, ...thisRun(), inputs: [inputOf(file)], grows: false };
  try {
    await withInputs({ ...read, onProgress: progress.onProgress }, (reader, { result }) => {
      progress.end();
      warnOfGap(context, sources.history, result.firstUs, result.lastUs);
      warnOfRest(context, result);
      if (!result.named) warnOfNoOwners(context);
      ask(reader, flowId);
    });
  } finally {
    progress.end();
  }
}

/** Read for itself: what is to be said of the sources is said at the second reading. */
async function flowOfFrame(context: Context, input: string, flags: FrameFlags): Promise<number> {
  const sources = await openOwnerSources({ ...context, err: () => {} }, flags, [input]);
  const { frame } = await ownerOfFrame({ input, wanted: { frame: flags.frame! }, ...sources });
  return frame!.serial;
}
