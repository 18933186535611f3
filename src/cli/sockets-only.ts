/** `record --sockets-only`: what it does not take, and what it says in place of packets and flows. */
import type { Command } from 'commander';
import type { Progress } from '../app/record/recorder-options.ts';
import { UserError } from '../core/errors.ts';
import { countText, formatShare } from '../report/size.ts';
import { compileLatestSockets } from '../store/compile-summary.ts';
import { Reader } from '../store/reader.ts';
import type { Context } from './context.ts';
import { costs, factsLostLines } from './record-summary.ts';

/** By name of their attribute. A file of settings may have them all the same: it is for every recording. */
const CAPTURE_OPTIONS = ['interface', 'netns', 'backend', 'snaplen', 'ring', 'promiscuous', 'write'];

/** @param filter words of the command line. @throws UserError */
export function refuseCaptureFlags(command: Command, filter: readonly string[]): void {
  const given = command.options.find(
    (option) =>
      CAPTURE_OPTIONS.includes(option.attributeName()) &&
      command.getOptionValueSource(option.attributeName()) === 'cli',
  );
  const what = filter.length > 0 ? `the filter '${filter.join(' ')}'` : given?.long;
  if (what === undefined) return;
  throw new UserError(
    'nothing-captured',
    `--sockets-only captures nothing: ${what} has no meaning beside it`,
    'It stores the sockets of all interfaces and namespaces. Leave out one of the two.',
  );
}

export function socketWords({ sockets, counters }: Progress, seconds: number): string {
  const rate = Math.round(sockets / Math.max(1, seconds));
  return `${countText(sockets, 'socket')} stored  ${rate}/s  ${counters.factsLost} events lost`;
}

/** What a recording that captured nothing has stored, read back from the database. On stderr. @param stored sockets */
export function printSockets(context: Context, database: string, stored: number, loopDelay: string): void {
  const reader = Reader.open(database);
  const [row] = reader.all(compileLatestSockets(stored));
  reader.close();
  const number = (name: string): number => Number(row?.[name] ?? 0);
  const sockets = number('sockets');
  const share = sockets === 0 ? '' : `, ${formatShare(number('named') / sockets)} of them with a process`;
  const lines = [
    `${countText(sockets, 'socket')}${share}`,
    ...factsLostLines(number('facts_lost')),
    `stored in ${database}`,
    costs(),
    ...(loopDelay === '' ? [] : [loopDelay]),
  ];
  for (const line of lines) context.err(`${line}\n`);
}
