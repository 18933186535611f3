/** Which database a command means: --db, $PCAPID_DB, ./pcapid.db, then the place of this user's recorder. */
import { existsSync } from 'node:fs';
import { userInfo } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { UserError } from '../core/errors.ts';
import type { Context } from './context.ts';

const NAME = 'pcapid.db';
const SYSTEM_PATH = '/var/lib/pcapid/pcapid.db';

type Surroundings = Pick<Context, 'env' | 'cwd'>;

/** Absolute path to record into; it need not exist, but the folder of a named one does. Throws UserError. */
export function resolveDatabaseToWrite(context: Surroundings, flag?: string, uid = process.getuid?.() ?? 0): string {
  // A thread cannot begin in a folder that was deleted.
  if (!existsSync(context.cwd)) throw new UserError('no-such-folder', `there is no ${context.cwd}`, 'Go elsewhere.');
  const named = namedPath(context, flag);
  if (flag !== undefined && named !== undefined && !existsSync(dirname(named))) {
    throw new UserError('no-such-folder', `--db: there is no folder ${dirname(named)}`, 'Make it, or check the path.');
  }
  if (named !== undefined) return named;
  const here = join(context.cwd, NAME);
  if (existsSync(here)) return here;
  return uid === 0 ? SYSTEM_PATH : userPath(context);
}

/** The database that reading commands would use, or undefined when there is none. */
export function findDatabase(context: Surroundings, flag?: string, systemPath?: string): string | undefined {
  return placesToRead(context, flag, systemPath).find((path) => existsSync(path));
}

/** Absolute path of a database that exists. Throws UserError that names the places tried. */
export function resolveDatabaseToRead(context: Surroundings, flag?: string, systemPath?: string): string {
  const found = findDatabase(context, flag, systemPath);
  if (found !== undefined) return found;
  throw new UserError(
    'no-database',
    `there is no database: tried ${placesToRead(context, flag, systemPath).join(', ')}`,
    'Record first (pcapid record), or name a file with --db.',
  );
}

/** Without rights of root its database is still worth trying: the reader explains what is missing. */
function placesToRead(context: Surroundings, flag?: string, systemPath = SYSTEM_PATH): readonly string[] {
  const named = namedPath(context, flag);
  if (named !== undefined) return [named];
  const places = [userPath(context), systemPath];
  return [join(context.cwd, NAME), ...(process.getuid?.() === 0 ? places.reverse() : places)];
}

function namedPath({ env, cwd }: Surroundings, flag: string | undefined): string | undefined {
  if (flag === '') throw new UserError('bad-database', '--db: the name is empty', 'Name a file.');
  const name = flag ?? env.PCAPID_DB;
  return name === undefined || name === '' ? undefined : resolve(cwd, name);
}

/** XDG Base Directory Specification: $XDG_STATE_HOME, which has to be absolute, or ~/.local/state. */
function userPath({ env }: Surroundings): string {
  const state = env.XDG_STATE_HOME;
  const folder = state?.startsWith('/') ? state : join(env.HOME || homeOfUser(), '.local', 'state');
  return join(folder, 'pcapid', NAME);
}

/** What the system says where the environment says nothing: a service, a job of cron. */
function homeOfUser(): string {
  try {
    return userInfo().homedir;
  } catch {
    return '/'; // a user without a name, as in many containers
  }
}
