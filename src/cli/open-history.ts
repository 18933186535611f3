import { resolve } from 'node:path';
import { surveyCaptures } from '../app/read/capture-survey.ts';
import type { Skew } from '../app/read/clock-skew.ts';
import { History } from '../app/read/history.ts';
import { compareWithHistory } from '../app/read/history-survey.ts';
import { SECOND_US, type Us } from '../core/time.ts';
import { formatLocal, localZone } from '../report/local-time.ts';
import type { Context } from './context.ts';
import type { OwnerFlags } from './owner-options.ts';

/**
 * Says when the capture seems to be of another host, and what its clock is ahead.
 *
 * @param paths of the capture files
 * @throws UserError
 */
export async function openHistory(
  context: Context,
  { owners, offset }: OwnerFlags,
  paths: readonly string[],
): Promise<History | undefined> {
  if (owners === undefined) return undefined;
  const database = resolve(context.cwd, owners);
  const history = new History(database, offset ?? 0); // says what is wrong with it before anything is read
  const { skew, isElsewhere } = compareWithHistory(database, await surveyCaptures(paths));
  if (isElsewhere)
    context.err(`pcapid: no socket in ${owners} had an address of the capture: it is of another host, or unrelated\n`);
  if (offset !== undefined || skew === undefined) return history;
  history.close();
  context.err(`pcapid: ${skewWords(skew)}; --offset 0 takes both clocks as they are\n`);
  return new History(database, skew.offsetUs);
}

function skewWords({ offsetUs, matches }: Skew): string {
  const seconds = (Math.abs(offsetUs) / SECOND_US).toFixed(3);
  const way = offsetUs > 0 ? 'ahead of' : 'behind';
  return `the clock of the capture is ${seconds} s ${way} that of the history, by ${matches} connections`;
}

/** Says when the history is of another time than the packets. */
export function warnOfGap(context: Context, history: History | undefined, firstUs: Us, lastUs: Us): void {
  if (history === undefined || firstUs > lastUs) return;
  const { fromUs, toUs } = history.span;
  if (fromUs <= firstUs + SECOND_US && lastUs <= toUs + SECOND_US) return;
  const span = (from: Us, to: Us): string => `${formatLocal(from, localZone)} to ${formatLocal(to, localZone)}`;
  context.err(
    `pcapid: the capture is from ${span(firstUs, lastUs)}, the history from ${span(fromUs, toUs)}: what lies outside has no owners\n`,
  );
}
