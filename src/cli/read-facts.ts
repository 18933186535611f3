import { readFileSync } from 'node:fs';
import { parseFacts } from '../app/read/fact-file.ts';
import type { FactsMessage } from '../app/record/messages.ts';
import { UserError } from '../core/errors.ts';

/** Facts of --facts. @throws UserError */
export function readFacts(path: string): readonly FactsMessage[] {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new UserError('unreadable-file', `--facts: ${path} cannot be read (${code})`, 'Check the path.');
  }
  return parseFacts(text, path);
}
