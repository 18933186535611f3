/** Parses a command line, runs one command, turns errors into exit codes. */
import { Command, CommanderError } from 'commander';
import { type CommandEntry, commands } from './commands/index.ts';
import type { Context } from './context.ts';
import { reportError } from './report-error.ts';
import { VERSION } from './version.ts';

export async function runProgram(argv: readonly string[], context: Context): Promise<void> {
  const program = new Command('pcapid')
    .description('Says which process sent and received every packet of this host, and remembers it.')
    .version(VERSION)
    .showHelpAfterError('(run with --help for the options)')
    .configureOutput({ writeOut: (text) => context.out(text), writeErr: (text) => context.err(text) })
    .exitOverride();
  try {
    const wanted = commands.filter(({ name }) => name === argv[0]);
    for (const entry of wanted.length > 0 ? wanted : commands) {
      program.addCommand(await commandOf(entry, argv, context, program));
    }
    await program.parseAsync(argv.map(withoutArrow), { from: 'user' });
  } catch (error) {
    context.exitCode = report(error, context);
  }
}

/** Only a command that the words name is loaded (`help usage`); the others stand in --help. */
async function commandOf(
  { name, summary, load }: CommandEntry,
  argv: readonly string[],
  context: Context,
  program: Command,
): Promise<Command> {
  const command = argv.includes(name) ? (await load())(context) : new Command(name);
  return command.summary(summary).copyInheritedSettings(program);
}

/** `who A '->' B`: an arrow would be taken for an option. */
function withoutArrow(word: string): string {
  return /^-{1,2}>$/.test(word) ? '>' : word;
}

function report(error: unknown, context: Context): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2; // commander has printed it
  return reportError(error, context);
}
