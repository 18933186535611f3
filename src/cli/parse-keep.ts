import { UserError } from '../core/errors.ts';
import type { Us } from '../core/time.ts';
import type { Keep } from '../store/retention.ts';
import { parseSize } from './parse-size.ts';
import { parseDuration } from './time-range.ts';

export type KeepTimes = Omit<Keep, 'maxBytes'>;

export const KEEP_DEFAULT = 'flows=7d,sockets=30d,minute=30d,hour=1y,day=forever';
export const MAX_SIZE_DEFAULT = '2GB';
/** Less has no room for a day of a small host, and would delete what is asked for every minute. */
const LEAST_BYTES = 1 << 20;
const NAMES = ['flows', 'sockets', 'minute', 'hour', 'day'] as const;

/** `flows=7d,sockets=30d,minute=30d,hour=1y,day=forever`; what is left out is as by default. */
export function parseKeep(text: string): KeepTimes {
  const keep = { ...(text === KEEP_DEFAULT ? {} : parseKeep(KEEP_DEFAULT)) } as Record<
    (typeof NAMES)[number],
    Us | null
  >;
  for (const part of text.split(',')) {
    const [word = '', age = '', ...rest] = part.split('=');
    const name = NAMES.find((one) => one === word.trim());
    if (name === undefined || rest.length > 0) throw badKeep(`'${part}' names none of ${NAMES.join(', ')}`);
    keep[name] = ageOf(age.trim().toLowerCase());
  }
  return keep;
}

const ageOf = (text: string): Us | null => (text === 'forever' ? null : parseDuration(text, '--keep'));

function badKeep(what: string): UserError {
  return new UserError('bad-keep', `--keep: ${what}`, `Write ${KEEP_DEFAULT}, or a part of it.`);
}

/** `2GB`, `500MiB` or `unlimited`. */
export function parseMaxSize(text: string): number | null {
  if (text === 'unlimited') return null;
  return parseSize(text, '--max-size', LEAST_BYTES);
}
