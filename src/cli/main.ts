/** Entry point of the `pcapid` program: parses, runs one command, turns errors into exit codes. */
import { Command, CommanderError } from 'commander';
import { UserError } from '../core/errors.ts';
import { commands } from './commands/index.ts';
import type { Context } from './context.ts';
import { processContext } from './process-context.ts';
import { VERSION } from './version.ts';

export async function main(argv: readonly string[], context: Context): Promise<void> {
  const program = new Command('pcapid')
    .description('Says which process sent and received every packet of this host, and remembers it.')
    .version(VERSION)
    .showHelpAfterError('(run with --help for the options)')
    .configureOutput({ writeOut: (text) => context.out(text), writeErr: (text) => context.err(text) })
    .exitOverride();
  for (const make of commands) program.addCommand(make(context).copyInheritedSettings(program));
  try {
    await program.parseAsync(argv.map(withoutArrow), { from: 'user' });
  } catch (error) {
    context.exitCode = report(error, context);
  }
}

/** `who A '->' B`: an arrow would be taken for an option. */
function withoutArrow(word: string): string {
  return /^-{1,2}>$/.test(word) ? '>' : word;
}

function report(error: unknown, context: Context): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2; // commander has printed it
  if (!(error instanceof UserError)) throw error;
  context.err(`pcapid: ${error.message}\n        ${error.hint}\n`);
  return 2;
}

if (require.main === module) {
  const context = processContext();
  void main(process.argv.slice(2), context).then(() => {
    process.exitCode = context.exitCode;
  });
}
