/** --utc, --iso and --si of the commands that print stored rows. */
import type { Command } from 'commander';
import { localZone, utcZone } from '../report/local-time.ts';
import { type Look, makeLook } from '../report/look.ts';

export interface LookFlags {
  readonly utc?: boolean;
  readonly iso?: boolean;
  readonly si?: boolean;
}

export function addLookOptions(command: Command): Command {
  return command
    .option('--utc', 'times in UTC, those of --since and --until too (default: local)')
    .option('--iso', 'times of a table as 2026-11-21T14:04:05.000123+01:00')
    .option('--si', 'sizes in kB, MB ... of 1,000 (default: KiB, MiB ... of 1,024)');
}

export function lookOf({ utc = false, iso = false, si = false }: LookFlags): Look {
  return makeLook({ zone: utc ? utcZone : localZone, iso, si });
}
