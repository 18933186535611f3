import { UserError } from '../core/errors.ts';
import { DAY_US, type Us } from '../core/time.ts';
import type { Keep } from '../store/retention.ts';
import { parseSize } from './parse-size.ts';
import { parseDuration } from './time-range.ts';

export type KeepTimes = Omit<Keep, 'maxBytes'>;

export const KEEP_DEFAULT = 'flows=7d,minute=30d,hour=1y,day=forever';
export const MAX_SIZE_DEFAULT = '2GB';
/** Less has no room for a day of a small host, and would delete what is asked for every minute. */
const LEAST_BYTES = 1 << 20;
const NAMES = ['flows', 'minute', 'hour', 'day'] as const;

/** `flows=7d,minute=30d,hour=1y,day=forever`; what is left out is as by default. */
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

function ageOf(text: string): Us | null {
  if (text === 'forever') return null;
  const years = /^(\d{1,3}) *(?:y|years?)$/.exec(text);
  const us = years === null ? durationOf(text) : Number(years[1]) * 365 * DAY_US;
  if (us > 0) return us;
  throw badKeep(`'${text}' is not an age`);
}

function durationOf(text: string): Us {
  try {
    return parseDuration(text);
  } catch (error) {
    throw error instanceof UserError ? badKeep(`'${text}' is not an age`) : error;
  }
}

function badKeep(what: string): UserError {
  return new UserError('bad-keep', `--keep: ${what}`, `Write ${KEEP_DEFAULT}, or a part of it.`);
}

/** `2GB`, `500MiB` or `unlimited`. */
export function parseMaxSize(text: string): number | null {
  if (text === 'unlimited') return null;
  const octets = parseSize(text);
  if (octets >= LEAST_BYTES) return octets;
  throw new UserError('bad-size', `--max-size: ${text} is less than 1MiB`, 'Write 2GB, 500MiB or unlimited.');
}
