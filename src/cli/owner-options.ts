/**
 * Options that say where the owners of packets in capture files come from; owner-sources.ts opens it, and loads what that
 * takes.
 */
import { type Command, Option } from 'commander';
import { UserError } from '../core/errors.ts';
import { SECOND_US, type Us } from '../core/time.ts';

export interface OwnerFlags {
  readonly owners?: string;
  readonly offset?: Us; // undefined: to be estimated
  readonly facts?: string;
}

export function addOwnerOptions(command: Command): Command {
  return command
    .option('--owners <db>', 'database that pcapid record wrote on the host of the capture: names come from it')
    .addOption(
      new Option('--offset <seconds>', 'what the clock of the capture is ahead of that of the database')
        .default(undefined, 'estimated from connections that both have')
        .argParser(parseOffset),
    )
    .option('--facts <file>', 'sockets and processes of the host at that time, as lines of JSON');
}

function parseOffset(text: string): Us {
  const seconds = Number(text);
  if (/^[+-]?\d+(\.\d+)?$/.test(text) && Math.abs(seconds) < 1e10) return Math.round(seconds * SECOND_US);
  throw new UserError('bad-number', `--offset: '${text}' is no number of seconds`, 'Write 1.5 or -3600.');
}
