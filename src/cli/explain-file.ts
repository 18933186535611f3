/** `explain FILE --flow N` and `--frame N`: why an end of a capture file has its owner. */
import { ownerOfFrame } from '../app/annotate/frame-owner.ts';
import { withInputs } from '../app/report/read-inputs.ts';
import { UserError } from '../core/errors.ts';
import type { Reader } from '../store/reader.ts';
import type { Context } from './context.ts';
import { warnOfGap } from './open-history.ts';
import { type OwnerFlags, openOwnerSources, warnOfNoOwners } from './owner-sources.ts';
import { warnOfRest } from './read-summary.ts';
import { thisRun } from './this-run.ts';

export interface ExplainFileFlags extends OwnerFlags {
  readonly frame?: number;
  readonly flow?: number;
  readonly db?: string;
}

export const asksForFile = ({ frame, flow }: ExplainFileFlags): boolean => frame !== undefined || flow !== undefined;

/** @throws UserError when options of captures stand without one */
export function refuseFileFlags(word: string, { owners, facts, offset }: ExplainFileFlags): void {
  if (!/^\d+$/.test(word))
    throw new UserError(
      'bad-flags',
      `${word} is no flow_id`,
      'Of a capture file say which flow: add --flow N or --frame N.',
    );
  if (owners === undefined && facts === undefined && offset === undefined) return;
  const flag = owners !== undefined ? '--owners' : facts !== undefined ? '--facts' : '--offset';
  throw new UserError('bad-flags', `${flag} is about a capture file`, 'Name it: explain FILE --flow N.');
}

/**
 * The file becomes a database for a while, so that stored flows and those of files are explained by the same rules.
 *
 * @param ask gets it and the flow's id in it
 * @throws UserError
 */
export async function withExplainedFile(
  context: Context,
  file: string,
  flags: ExplainFileFlags,
  ask: (reader: Reader, flowId: number) => void,
): Promise<void> {
  if (flags.frame !== undefined && flags.flow !== undefined)
    throw new UserError('bad-flags', '--frame and --flow ask for different things', 'Leave one of them out.');
  if (flags.db !== undefined) {
    const hint = 'Leave it out; owners that record stored come from --owners DB.';
    throw new UserError('bad-flags', '--db is about what is stored, not about a capture file', hint);
  }
  const flowId = flags.flow ?? (await flowOfFrame(context, file, flags));
  const sources = await openOwnerSources(context, flags, [file]);
  const given = { factsPath: flags.facts, historyPath: flags.owners, stop: new AbortController().signal };
  await withInputs(
    { ...sources, ...given, ...thisRun(), paths: [file], onProgress: () => {} },
    (reader, { result }) => {
      warnOfGap(context, sources.history, result.firstUs, result.lastUs);
      warnOfRest(context, result);
      if (!result.named) warnOfNoOwners(context);
      ask(reader, flowId);
    },
  );
}

/** Read for itself: what is to be said of the sources is said at the second reading. */
async function flowOfFrame(context: Context, input: string, flags: ExplainFileFlags): Promise<number> {
  const sources = await openOwnerSources({ ...context, err: () => {} }, flags, [input]);
  const { frame } = await ownerOfFrame({ input, wanted: { frame: flags.frame! }, ...sources });
  return frame!.serial;
}
