import { existsSync } from 'node:fs';
import { UserError } from '../core/errors.ts';
import { checkHeader, currentRights, prepareDatabaseFile } from './database-file.ts';
import { openSqlite, sqliteCode } from './sqlite.ts';

/** More than any database has: all pages in one step, so that a recorder's next tick does not begin it anew. */
const ALL_PAGES = 2 ** 31 - 1;

/**
 * Copies the database at `from`, which may be recorded into, to a new file at `to`: as it was at one moment.
 *
 * @throws UserError
 */
export async function backUp(from: string, to: string): Promise<void> {
  checkHeader(from, 'refused');
  if (existsSync(to)) throw new UserError('file-exists', `${to} exists`, 'Choose a new name: nothing is overwritten.');
  prepareDatabaseFile(to, currentRights(process.env));
  const source = openSqlite(from, 'read');
  try {
    await source.backup(to, { progress: () => ALL_PAGES });
  } catch (error) {
    const code = sqliteCode(error);
    throw code === undefined
      ? error
      : new UserError('backup', `${from} cannot be copied (${code})`, 'Make room, or try again.');
  } finally {
    source.close();
  }
  const copy = openSqlite(to, 'write');
  copy.exec('DELETE FROM recorder'); // nobody records into the copy
  copy.pragma('journal_mode = DELETE');
  copy.close();
}
