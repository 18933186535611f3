/** `who FILE --frame N` and `--flow ID`: the process behind one frame of a capture file. */
import { type Frame, ownerOfFrame } from '../app/annotate/frame-owner.ts';
import { UserError } from '../core/errors.ts';
import type { FlowRecord } from '../core/record.ts';
import { formatEnd, textOf } from '../report/columns.ts';
import { escapeTerminal } from '../report/escape.ts';
import { formatIso } from '../report/local-time.ts';
import type { Look } from '../report/look.ts';
import { countText } from '../report/size.ts';
import type { Context } from './context.ts';
import { checkFrameFlags, type FrameFlags } from './frame-flags.ts';
import { warnOfGap } from './open-history.ts';
import { openOwnerSources, warnOfNoOwners } from './owner-sources.ts';
import type { OwnerAnswer } from './owner-words.ts';
import { warnOfRest } from './read-summary.ts';

export interface FrameWords {
  readonly heading: string; // which frame of which flow; '': a flow was asked for
  readonly answer: OwnerAnswer;
}

/** @throws UserError */
export async function answerFrame(
  context: Context,
  words: readonly string[],
  flags: FrameFlags,
  look: Look,
): Promise<FrameWords> {
  const { frame, flow } = flags;
  const [file] = words;
  if (file === undefined || words.length > 1)
    throw new UserError('bad-flags', 'a frame is asked of one capture file', 'Write: pcapid who FILE --frame N.');
  checkFrameFlags(flags);
  const sources = await openOwnerSources(context, flags, [file]);
  const { result, ...found } = await ownerOfFrame({
    input: file,
    wanted: frame === undefined ? { flow: flow! } : { frame },
    ...sources,
  });
  warnOfGap(context, sources.history, result.firstUs, result.lastUs);
  warnOfRest(context, result);
  if (!result.named) warnOfNoOwners(context);
  const record = result.named ? found.record : { ...found.record, src_reason: 'no-socket', dst_reason: 'no-socket' };
  const heading = found.frame === undefined ? '' : headingOf(frame!, found.frame, record, look);
  return { heading, answer: { record, holders: found.holders, lives: found.lives } };
}

function headingOf(
  number: number,
  { timeUs, origLen, serial, isReply }: Frame,
  record: FlowRecord,
  look: Look,
): string {
  const sender = isReply ? 'dst' : 'src';
  const from = formatEnd(textOf(record, `${sender}_addr`), textOf(record, `${sender}_port`));
  const size = countText(origLen, 'octet');
  return `${escapeTerminal(`frame ${number}, ${formatIso(timeUs, look.zone)}, ${size}, sent by ${from}, of flow ${serial}:`)}\n`;
}
