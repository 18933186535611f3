import { statSync } from 'node:fs';
import { UserError } from '../../core/errors.ts';

/** @returns its size in octets @throws UserError for what cannot be read twice */
export function regularFileSize(path: string): number {
  const stats = path === '-' ? undefined : statSync(path, { throwIfNoEntry: false });
  if (stats === undefined && path !== '-')
    throw new UserError('no-such-file', `${path}: no such file`, 'Check the path.');
  if (stats?.isFile() === true) return stats.size;
  const hint = 'It is read twice: save it first, as tcpdump -w FILE does.';
  throw new UserError('not-a-file', `${path === '-' ? 'standard input' : path} is no regular file`, hint);
}
