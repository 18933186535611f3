import { type ReadingOptions, readFiles } from '../../src/app/read/file-reading.ts';
import { FlowBook } from '../../src/app/read/flow-book.ts';
import { Attributor } from '../../src/attribution/attributor.ts';
import type { FlowRecord } from '../../src/core/record.ts';
import { ProcFs } from '../../src/linux/proc-fs.ts';
import { UserNames } from '../../src/linux/users.ts';

type From = Partial<Pick<ReadingOptions, 'facts' | 'history'>>;

/** Flows of a capture with their owners, as `read` has them; users and hosts have no names. */
export const recordsOf = (path: string, from: From = {}): Promise<readonly FlowRecord[]> =>
  readBook(path, from, new FlowBook(() => null));

const users = new UserNames(new ProcFs('/etc'));
/** As this host calls its users. */
export const hostUser = (uid: number): string | null => users.get(uid) ?? null;

/** The same with names of hosts, and of users as this host knows them. */
export function recordsWithNames(path: string, from: From): Promise<readonly FlowRecord[]> {
  const book = new FlowBook(hostUser);
  return readBook(path, from, book, { onNames: (...found) => book.addNames(...found) });
}

async function readBook(
  path: string,
  from: From,
  book: FlowBook,
  more: Partial<Parameters<typeof readFiles>[1]> = {},
): Promise<readonly FlowRecord[]> {
  await readFiles(
    { inputs: [{ path }], attributor: new Attributor(), facts: [], ...from },
    {
      onFlows: (flows) => book.addFlows(flows),
      onAnswer: (serial, side, answer) => book.addAnswer(serial, side, answer),
      onProgress: () => {},
      ...more,
    },
  );
  from.history?.close();
  return [...book.records()];
}
