import type { CommandModule } from '../context.ts';

/** Every command of the program, in the order of --help. A new one is a file here and a line in this list. */
export const commands: readonly CommandModule[] = [];
