/** Where the owners of packets in capture files come from: --owners, --facts, or the files themselves. */
import { readFileSync } from 'node:fs';
import { parseFacts } from '../app/read/fact-file.ts';
import type { History } from '../app/read/history.ts';
import type { FactsMessage } from '../app/record/messages.ts';
import { UserError } from '../core/errors.ts';
import { ProcFs } from '../linux/proc-fs.ts';
import { UserNames } from '../linux/users.ts';
import type { Context } from './context.ts';
import { openHistory } from './open-history.ts';
import type { OwnerFlags } from './owner-options.ts';

export interface OwnerSources {
  readonly facts: readonly FactsMessage[];
  readonly history: History | undefined;
  readonly userName: (uid: number) => string | null; // null: the uids may be those of another host
}

/** @param paths of the capture files @throws UserError */
export async function openOwnerSources(
  context: Context,
  flags: OwnerFlags,
  paths: readonly string[],
): Promise<OwnerSources> {
  const facts = flags.facts === undefined ? [] : readFacts(flags.facts);
  const history = await openHistory(context, flags, paths);
  const users = new UserNames(new ProcFs('/etc'));
  const isOfThisHost = facts.length > 0 || history !== undefined;
  return { facts, history, userName: (uid) => (isOfThisHost ? (users.get(uid) ?? null) : null) };
}

function readFacts(path: string): readonly FactsMessage[] {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new UserError('unreadable-file', `--facts: ${path} cannot be read (${code})`, 'Check the path.');
  }
  return parseFacts(text, path);
}

export function warnOfNoOwners(context: Context): void {
  context.err('pcapid: the input names no processes: add --owners DB, of its host, or --facts FILE\n');
}
