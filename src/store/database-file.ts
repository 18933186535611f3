/**
 * Which files may be written and read as a database: it holds command lines and destinations, and the writer is often root.
 * Flags of open(2), SQLite file header of https://www.sqlite.org/fileformat.html section 1.3.
 */
import {
  chownSync,
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readSync,
  statSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { UserError } from '../core/errors.ts';
import { APPLICATION_ID } from './sqlite.ts';

/** Who writes. `sudo` is the user who called sudo, when there is one. */
export interface FileRights {
  readonly uid: number;
  readonly sudo: { readonly uid: number; readonly gid: number } | null;
}

const MAGIC = 'SQLite format 3\0';
const HEADER_LENGTH = 100; // octets
const APPLICATION_ID_AT = 68; // offset of a big-endian 32-bit number
/** Files that SQLite keeps beside a database and would replay into it. */
const COMPANIONS = ['-wal', '-shm', '-journal'];

export function currentRights(env: Readonly<Record<string, string | undefined>>): FileRights {
  const [uid, gid] = [env.SUDO_UID, env.SUDO_GID].map((text) => (/^\d+$/.test(text ?? '') ? Number(text) : undefined));
  return { uid: process.getuid?.() ?? 0, sudo: uid === undefined ? null : { uid, gid: gid ?? uid } };
}

/**
 * Makes sure that `path` is a file this process may trust and write: makes it (0600, empty) or checks what is there.
 *
 * @param path absolute
 * @throws UserError
 */
export function prepareDatabaseFile(path: string, rights: FileRights): void {
  try {
    prepareFolder(dirname(path), rights);
    if (lstatSync(path, { throwIfNoEntry: false }) === undefined) createFile(path, rights);
    else checkFile(path, rights);
  } catch (error) {
    throw explained(error, path);
  }
}

/** Refuses what is no database of ours before SQLite parses a byte of it. An empty file passes when `empty` is 'allowed'. */
export function checkHeader(path: string, empty: 'allowed' | 'refused'): void {
  const header = Buffer.alloc(HEADER_LENGTH);
  const length = readHeader(path, header);
  if (length === 0 && empty === 'allowed') return;
  const ours =
    length === HEADER_LENGTH &&
    header.toString('latin1', 0, MAGIC.length) === MAGIC &&
    header.readUInt32BE(APPLICATION_ID_AT) === APPLICATION_ID;
  if (ours) return;
  const what = length === 0 ? 'is empty: nothing was recorded into it' : 'is not a pcapid database';
  throw new UserError('foreign-database', `${path} ${what}`, 'Choose another file; this one was left as it is.');
}

function readHeader(path: string, into: Buffer): number {
  try {
    // O_NONBLOCK: a FIFO in the place of the file must not block us.
    const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      checkRegular(path, fstatSync(fd));
      return readSync(fd, into, 0, into.length, 0);
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    throw explained(error, path);
  }
}

/** Makes the folder of a database, 0700, when it is not there. Throws UserError. */
export function prepareFolder(folder: string, rights: FileRights = currentRights(process.env)): void {
  try {
    const first = mkdirSync(folder, { recursive: true, mode: 0o700 });
    if (first !== undefined && rights.uid === 0 && rights.sudo !== null)
      chownSync(folder, rights.sudo.uid, rights.sudo.gid);
  } catch (error) {
    throw explained(error, folder);
  }
}

/** The umask can only take rights away; fchmod gives the owner's back. -wal and -shm get the rights of this file. */
function createFile(path: string, rights: FileRights): void {
  for (const suffix of COMPANIONS) {
    if (lstatSync(path + suffix, { throwIfNoEntry: false }) === undefined) continue;
    throw new UserError('left-over-file', `${path + suffix} exists without its database`, 'Move it away first.');
  }
  const { O_RDWR, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
  const fd = openSync(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
  try {
    fchmodSync(fd, 0o600);
    if (rights.uid === 0 && rights.sudo !== null) fchownSync(fd, rights.sudo.uid, rights.sudo.gid);
  } finally {
    closeSync(fd);
  }
}

function checkFile(path: string, rights: FileRights): void {
  for (const name of [path, ...COMPANIONS.map((suffix) => path + suffix)]) {
    const link = lstatSync(name, { throwIfNoEntry: false });
    if (link === undefined) continue;
    if (link.isSymbolicLink() && rights.uid === 0) {
      throw new UserError(
        'database-symlink',
        `${name} is a symbolic link: root does not follow it`,
        'Name its target.',
      );
    }
    const { uid } = link.isSymbolicLink() ? checkRegular(name, statSync(name)) : checkRegular(name, link);
    const trusted = [0, rights.sudo?.uid, statSync(dirname(name)).uid];
    if (rights.uid === 0 && !trusted.includes(uid)) {
      throw new UserError(
        'database-owner',
        `${name} belongs to user ${uid}: root does not write into it`,
        'Choose another file, or change its owner.',
      );
    }
  }
}

function checkRegular<T extends { isFile(): boolean }>(name: string, stat: T): T {
  if (stat.isFile()) return stat;
  throw new UserError('database-not-a-file', `${name} is not a regular file`, 'Choose another file.');
}

/** Errors of the file system as sentences; anything else is passed on. */
function explained(error: unknown, path: string): unknown {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (error instanceof UserError || !HINTS.has(code)) return error;
  return new UserError('database-file', `${path} cannot be used as a database (${code})`, HINTS.get(code)!);
}

const HINTS: ReadonlyMap<string, string> = new Map([
  ['ENOENT', 'Choose a file that exists with --db, or record first.'],
  ['EACCES', 'Run as its owner or with sudo, or choose another file with --db.'],
  ['EPERM', 'Run as its owner or with sudo, or choose another file with --db.'],
  ['ENOTDIR', 'A part of its path is not a folder; choose another file with --db.'],
  ['EISDIR', 'It is a folder; choose a file with --db.'],
  ['EEXIST', 'A file stands where its folder would be, or it appeared just now; choose another with --db.'],
  ['ELOOP', 'It is a symbolic link; name its target.'],
  ['EROFS', 'The file system is read-only; choose another file with --db.'],
  ['ENOSPC', 'The file system is full; make room or choose another file with --db.'],
  ['ENXIO', 'It is not a regular file; choose another file with --db.'],
  ['ENAMETOOLONG', 'Choose a shorter name with --db.'],
]);
