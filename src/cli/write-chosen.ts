/** `read ... -w FILE`: the packets of the flows that were chosen, with their owners. */
import type { AnnotatedFile, Written } from '../app/annotate/annotated-file.ts';
import { CommentStyle } from '../app/annotate/comment-style.ts';
import type { ChosenFlows } from '../app/read/choose-flows.ts';
import { UserError } from '../core/errors.ts';
import { escapeTerminal } from '../report/escape.ts';
import { countText } from '../report/size.ts';
import type { FlowFilter } from '../store/conditions.ts';
import type { Context } from './context.ts';
import { warnOfNoOwners } from './owner-sources.ts';
import { thisRun } from './this-run.ts';

export interface WriteChosenFlags {
  readonly db?: string;
  readonly decap: boolean;
  readonly follow: boolean;
  readonly force: boolean;
  readonly write?: string;
}

/** @throws UserError for flags that contradict each other */
export function refuseWriteFlags({ db, follow, force, write }: WriteChosenFlags, isFiltered: boolean): void {
  const refuse = (what: string, hint: string): never => {
    throw new UserError('bad-flags', what, hint);
  };
  if (db !== undefined && isFiltered)
    refuse('--db stores a capture as a whole', 'Leave the filters out; give them to flows and usage.');
  if (db !== undefined && write !== undefined && force)
    refuse('--force could mean the file of -w or the database of --db', 'Leave one of them out, or run read twice.');
  if (follow && write !== undefined)
    refuse('-w reads the file twice, --follow while it is written', 'Wait until it is whole.');
  if (force && write === undefined && db === undefined)
    refuse('--force is about the file of -w, or the database of --db', 'Add -w FILE or --db FILE, or leave it out.');
}

/** @param chosen undefined: all packets @returns undefined when nothing was chosen, and nothing is left behind */
export async function writeChosen(
  file: AnnotatedFile,
  chosen: ChosenFlows | undefined,
  { decap }: WriteChosenFlags,
  onProgress: (bytesRead: number, packets: number) => void,
): Promise<Written | undefined> {
  if (chosen?.serials.length === 0) return undefined;
  const style = new CommentStyle(file.owners, false);
  const serials = chosen === undefined ? {} : { serials: chosen.serials };
  return await file.write({ ...thisRun(), ...serials, style, decap, onProgress });
}

/** On standard error: the flows are what stands on standard output. */
export function printWritten(
  context: Context,
  inputs: readonly string[],
  output: string,
  written: Written | undefined,
): void {
  const say = (text: string) => context.err(`${escapeTerminal(text)}\n`);
  if (written === undefined) {
    say(`pcapid: ${output} was not written`);
    return;
  }
  const { counts, inputHashes, outputHash } = written;
  say(`${countText(counts.packets, 'packet')} written into ${output}`);
  if (counts.refused > 0) say(`pcapid: ${countText(counts.refused, 'packet')} stand in blocks without room for owners`);
  inputs.forEach((input, i) => {
    say(`sha256 ${inputHashes[i]}  ${input}`);
  });
  say(`sha256 ${outputHash}  ${output}`);
}

/** Says why a filter by owners found nothing. */
export function warnOfOwnerFilter(context: Context, filter: FlowFilter, named: boolean): void {
  const { process, pid, user, unit, container } = filter;
  if (named || [process, pid, user, unit, container].every((one) => one === undefined)) return;
  warnOfNoOwners(context);
}
