import { UserError } from '../core/errors.ts';
import { escapeTerminal } from '../report/escape.ts';
import type { Context } from './context.ts';

/** Says what went wrong, and what to do. @returns the exit code. Throws what only a bug can throw */
export function reportError(error: unknown, context: Context): number {
  if (!(error instanceof UserError)) throw error;
  context.err(`pcapid: ${escapeTerminal(error.message)}\n        ${escapeTerminal(error.hint)}\n`); // they name files and quote them
  return 2;
}
