import { statSync } from 'node:fs';
import { UserError } from '../../core/errors.ts';

/** @returns its size in octets @throws UserError for what cannot be read twice */
export function regularFileSize(path: string): number {
  const stats = path === '-' ? undefined : statSync(path, { throwIfNoEntry: false });
  if (stats === undefined && path !== '-') throw noSuchFile(path);
  if (stats?.isFile() === true) return stats.size;
  const hint = 'It is read twice: save it first, as tcpdump -w FILE does.';
  throw new UserError('not-a-file', `${path === '-' ? 'standard input' : path} is no regular file`, hint);
}

/** For a look before anything is made for it; who opens it says what else is wrong. @throws UserError */
export function checkExists(path: string): void {
  if (statSync(path, { throwIfNoEntry: false }) === undefined) throw noSuchFile(path);
}

const noSuchFile = (path: string): UserError =>
  new UserError('no-such-file', `${path}: no such file`, 'Check the path.');
