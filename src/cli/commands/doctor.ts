import { dirname } from 'node:path';
import { Command, Option } from 'commander';
import { examine, REAL_ROOTS } from '../../app/doctor/doctor.ts';
import { SOURCE_NAMES } from '../../app/record/observe/open-sources.ts';
import type { Check } from '../../core/health.ts';
import { loadNative } from '../../native/binding.ts';
import { reporters } from '../../report/index.ts';
import type { CommandModule, Context } from '../context.ts';
import { resolveDatabaseToWrite } from '../database-path.ts';
import { formatCheck } from '../print-checks.ts';

interface DoctorFlags {
  readonly db?: string;
  readonly format: 'table' | 'json';
}

const FIELDS: readonly (keyof Check)[] = ['name', 'state', 'detail', 'loss', 'remedy'];

const EXAMPLES = `
Examples:
  pcapid doctor                  what works here, and what its absence costs
  sudo pcapid doctor             the same with all rights
  pcapid doctor --format json    for a script: name, state, detail, loss, remedy

ok works, -- works in part, NO does not work.`;

export const doctor: CommandModule = (context) =>
  new Command('doctor')
    .description('Tries every source by using it. Nothing that it finds is an error: pcapid works with what there is.')
    .option('--db <file>', 'database that a recording would write')
    .addOption(new Option('--format <format>', 'how to print').choices(['table', 'json']).default('table'))
    .addHelpText('after', EXAMPLES)
    .action((flags: DoctorFlags) => printChecks(context, flags));

function printChecks(context: Context, { db, format }: DoctorFlags): void {
  const checks = examine(
    loadNative,
    REAL_ROOTS,
    { wanted: SOURCE_NAMES },
    dirname(resolveDatabaseToWrite(context, db)),
  );
  if (format === 'json') {
    const rows = checks.map((check) => ({ ...check }));
    const layout = { columns: [], fields: FIELDS, width: Infinity, csvRaw: false };
    for (const text of reporters.json(rows, layout)) context.out(text);
    return;
  }
  for (const check of checks) context.out(formatCheck(check, context.columns));
  context.out(`\n${summaryOf(checks)}\n`);
}

function summaryOf(checks: readonly Check[]): string {
  const working = checks.filter(({ state }) => state === 'ok').length;
  if (working === checks.length) return 'Everything works.';
  return `${working} of ${checks.length} work in full; what the others cost stands after "lost".`;
}
