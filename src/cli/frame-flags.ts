/** Options of `who` and `explain` about a capture file; who-frame.ts and explain-file.ts answer them. */
import { type Command, Option } from 'commander';
import { UserError } from '../core/errors.ts';
import { parseNumber } from './filters.ts';
import { addOwnerOptions, type OwnerFlags } from './owner-options.ts';

export interface FrameFlags extends OwnerFlags {
  readonly frame?: number;
  readonly flow?: number;
  readonly db?: string;
  readonly at?: string;
}

export function addFrameOptions(command: Command): Command {
  return addOwnerOptions(command)
    .addOption(numberOption('--frame <n>', 'of a capture file: its frame with that number'))
    .addOption(numberOption('--flow <n>', 'of a capture file: its flow with that flow_id'));
}

function numberOption(flags: string, description: string): Option {
  const [flag] = flags.split(' ');
  return new Option(flags, description).argParser((text) => parseNumber(text, flag!, 1, 2 ** 31));
}

export const asksForFrame = ({ frame, flow }: FrameFlags): boolean => frame !== undefined || flow !== undefined;

/**
 * @param command that takes a capture file
 * @throws UserError when options of captures stand without --frame and --flow
 */
export function refuseOwnerFlags({ owners, facts, offset }: FrameFlags, command: string): void {
  if (owners === undefined && facts === undefined && offset === undefined) return;
  const flag = owners !== undefined ? '--owners' : facts !== undefined ? '--facts' : '--offset';
  throw new UserError('bad-flags', `${flag} is about a capture file`, `Say which frame: ${command} FILE --frame N.`);
}

/** @throws UserError when options beside --frame or --flow ask for something else */
export function checkFrameFlags({ frame, flow, db, at }: FrameFlags): void {
  if (frame !== undefined && flow !== undefined)
    throw new UserError('bad-flags', '--frame and --flow ask for different things', 'Leave one of them out.');
  if (db === undefined && at === undefined) return;
  const flag = db === undefined ? '--at' : '--db';
  const hint = 'Leave it out; owners that record stored come from --owners DB.';
  throw new UserError('bad-flags', `${flag} is about what is stored, not about a capture file`, hint);
}
