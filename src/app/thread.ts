import type { MessagePort } from 'node:worker_threads';
import { UserError } from '../core/errors.ts';
import type { ThreadFailure } from './messages.ts';

/** Runs the body of a thread; a UserError becomes a ThreadFailure for the one who started it, a bug ends the program. */
export function runThread<T extends { readonly commands: MessagePort }>(data: T, body: (data: T) => void): void {
  try {
    body(data);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const { code, message, hint } = error;
    const failure: ThreadFailure = { failure: { code, message, hint } };
    data.commands.postMessage(failure);
    data.commands.close();
  }
}

export function isFailure(message: unknown): message is ThreadFailure {
  return typeof message === 'object' && message !== null && 'failure' in message;
}
