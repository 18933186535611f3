import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { History } from '../app/read/history.ts';
import { UserError } from '../core/errors.ts';
import { SECOND_US, type Us } from '../core/time.ts';
import { formatLocal, localZone } from '../report/local-time.ts';
import type { Context } from './context.ts';

export interface HistoryFlags {
  readonly owners?: string;
  readonly offset: Us;
}

export function addHistoryOptions(command: Command): Command {
  return command
    .option('--owners <db>', 'database that pcapid record wrote on the host of the capture: names come from it')
    .addOption(
      new Option('--offset <seconds>', 'what the clock of the capture is ahead of that of the database')
        .default(0)
        .argParser(parseOffset),
    );
}

function parseOffset(text: string): Us {
  const seconds = Number(text);
  if (/^[+-]?\d+(\.\d+)?$/.test(text) && Math.abs(seconds) < 1e10) return Math.round(seconds * SECOND_US);
  throw new UserError('bad-number', `--offset: '${text}' is no number of seconds`, 'Write 1.5 or -3600.');
}

/** @throws UserError */
export function openHistory(context: Context, { owners, offset }: HistoryFlags): History | undefined {
  return owners === undefined ? undefined : new History(resolve(context.cwd, owners), offset);
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
