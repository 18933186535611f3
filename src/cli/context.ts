import type { Command } from 'commander';

/** What a command may touch of the world: tests hand in their own. */
export interface Context {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  out(text: string): void; // standard output; EPIPE ends the program quietly
  err(text: string): void; // standard error
  readonly outIsTerminal: boolean;
  readonly errIsTerminal: boolean;
  readonly columns: number; // width of the terminal, 80 when there is none
  nowUs(): number; // time of day, microseconds since the epoch
  exitCode: number; // 0 done, 1 nothing matched, 2 error
}

/** A file of cli/commands: builds its part of the command line. Its actions set context.exitCode. */
export type CommandModule = (context: Context) => Command;
