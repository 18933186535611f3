import { UserError } from '../../core/errors.ts';

export const existsError = (path: string, hint = 'Name another file, or replace it with --force.'): UserError =>
  new UserError('output-exists', `${path} exists`, hint);

const HINTS: Readonly<Record<string, string>> = {
  ENOENT: 'Make its folder first.',
  EACCES: 'Name a file in a folder that you may write to.',
  EROFS: 'Name a file on another file system.',
  ENXIO: 'Nobody reads this pipe: start the reader first.',
  EISDIR: 'Name a file in it.',
  ENOSPC: 'Make room on the disk.',
  EDQUOT: 'Your quota is used up.',
};

/** @param error of a call that opens or writes @param hints that say more than the usual ones, by code */
export function writeError(error: unknown, path: string, hints: Readonly<Record<string, string>> = {}): UserError {
  const { code = String(error) } = error as NodeJS.ErrnoException;
  const hint = hints[code] ?? HINTS[code] ?? 'Name another file.';
  return new UserError('output-file', `${path} cannot be written (${code})`, hint);
}
