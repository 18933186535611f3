import { Command } from 'commander';
import { examine, REAL_ROOTS } from '../../app/doctor.ts';
import { SOURCE_NAMES } from '../../app/open-sources.ts';
import { loadNative } from '../../native/binding.ts';
import type { CommandModule } from '../context.ts';
import { formatCheck } from '../print-checks.ts';

const EXAMPLES = `
Examples:
  pcapid doctor                  what works here, and what its absence costs
  pcapid doctor --format json    the same for a script`;

export const doctor: CommandModule = (context) =>
  new Command('doctor')
    .summary('say what works on this host, and what is lost where it does not')
    .description('Tries every source by using it. Nothing that it finds is an error: pcapid works with what there is.')
    .option('--format <name>', 'table or json', 'table')
    .addHelpText('after', EXAMPLES)
    .action((flags: { readonly format: string }) => {
      const checks = examine(loadNative, REAL_ROOTS, SOURCE_NAMES);
      if (flags.format === 'json') context.out(`${JSON.stringify(checks, null, 2)}\n`);
      else for (const check of checks) context.out(formatCheck(check));
    });
