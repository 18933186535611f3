import { UserError } from '../core/errors.ts';
import { formatSize } from '../report/size.ts';

const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  k: 1024,
  kib: 1024,
  kb: 1000,
  m: 1 << 20,
  mib: 1 << 20,
  mb: 1e6,
  g: 1 << 30,
  gib: 1 << 30,
  gb: 1e9,
  t: 2 ** 40,
  tib: 2 ** 40,
  tb: 1e12,
};

/**
 * Octets of `8MiB`, `8M`, `8MB` (10^6) or `8388608`.
 *
 * @param flag named in the error, e.g. '--ring'
 */
export function parseSize(text: string, flag: string, least = 0, most = Number.MAX_SAFE_INTEGER): number {
  const m = /^(\d+(?:\.\d+)?) *([a-z]*)$/i.exec(text);
  const unit = m === null ? undefined : UNITS[m[2]!.toLowerCase()];
  if (m === null || unit === undefined) {
    throw new UserError(
      'bad-size',
      `${flag}: '${text}' is not a size`,
      'Write a number with KiB, MiB or GiB, such as 8MiB.',
    );
  }
  const octets = Math.round(Number(m[1]) * unit);
  if (octets >= least && octets <= most) return octets;
  const range = `${formatSize(least)} to ${formatSize(most)}`;
  throw new UserError('bad-size', `${flag}: '${text}' is out of range`, `Write a size from ${range}.`);
}
