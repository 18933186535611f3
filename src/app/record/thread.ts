import type { MessagePort } from 'node:worker_threads';
import { UserError } from '../../core/errors.ts';
import type { ThreadFailure } from './messages.ts';

/** Runs the body of a thread; a UserError becomes a ThreadFailure for the one who started it, a bug ends the program. */
export function runThread<T extends { readonly commands: MessagePort }>(data: T, body: (data: T) => void): void {
  try {
    body(data);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    reportFailure(data.commands, error);
  }
}

/** The last thing that a thread says when it cannot go on. */
export function reportFailure(commands: MessagePort, { code, message, hint }: UserError): void {
  const failure: ThreadFailure = { failure: { code, message, hint } };
  commands.postMessage(failure);
  commands.close();
}

export function isFailure(message: unknown): message is ThreadFailure {
  return typeof message === 'object' && message !== null && 'failure' in message;
}

/** What only a bug can throw, for the one who started the thread: of an error only its message arrives there. */
export function bugIn(what: string, error: unknown): Error {
  return new Error(`${what}: ${error instanceof Error ? (error.stack ?? error) : error}`);
}
