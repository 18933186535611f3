/** --since, --until, --at and --for: what people write about time. Pure: now and the zone are parameters. */
import { UserError } from '../core/errors.ts';
import { DAY_US, HOUR_US, MINUTE_US, SECOND_US, type Us } from '../core/time.ts';
import type { Zone } from '../report/local-time.ts';

const UNITS: ReadonlyMap<string, Us> = new Map([
  ['us', 1],
  ['ms', 1000],
  ['s', SECOND_US],
  ['sec', SECOND_US],
  ['second', SECOND_US],
  ['m', MINUTE_US],
  ['min', MINUTE_US],
  ['minute', MINUTE_US],
  ['h', HOUR_US],
  ['hour', HOUR_US],
  ['d', DAY_US],
  ['day', DAY_US],
  ['w', 7 * DAY_US],
  ['week', 7 * DAY_US],
  ['y', 365 * DAY_US],
  ['year', 365 * DAY_US],
]);

const EXAMPLES = "Write 10m, 1h30m, '2 hours ago', today, 'yesterday 14:00', 2026-11-21T14:00, 14:00 or @1795270000.";

/**
 * A length of time: `15s`, `10m`, `1h30m`, `2 hours`.
 *
 * @param flag named in the error, e.g. '--for'
 */
export function parseDuration(text: string, flag: string): Us {
  const us = durationOf(text);
  if (us !== undefined && us > 0) return us;
  throw new UserError(
    'bad-duration',
    `${flag}: '${text}' is not a duration`,
    'Write a number with s, m, h or d, such as 1h30m.',
  );
}

function durationOf(text: string): Us | undefined {
  const compact = text.trim().toLowerCase();
  if (!/^(\d+(\.\d+)? *[a-z]+ *)+$/.test(compact)) return undefined;
  let total = 0;
  for (const [, number, name] of compact.matchAll(/(\d+(?:\.\d+)?) *([a-z]+)/g)) {
    const unit = UNITS.get(name!) ?? UNITS.get(name!.replace(/s$/, ''));
    if (unit === undefined) return undefined;
    total += Math.round(Number(number) * unit);
  }
  return Number.isSafeInteger(total) ? total : undefined;
}

/**
 * A point in time. A duration means that long before now; a date without a time its first moment; a time of day the
 * latest such moment that is not after now.
 *
 * @param flag named in the error, e.g. '--since'
 */
export function parseTime(text: string, flag: string, nowUs: Us, zone: Zone): Us {
  const word = text.trim().toLowerCase();
  const us =
    pastOf(word, nowUs) ??
    epochOf(word) ??
    dayOf(word, nowUs, zone) ??
    shortOf(word, nowUs, zone) ??
    dateOf(word, zone);
  if (us !== undefined && Number.isSafeInteger(us)) return us;
  throw new UserError('bad-time', `${flag}: '${text}' is not a time`, EXAMPLES);
}

/**
 * What `--at` means: as long as the last digit that was written says, a minute for 14:03, 10 ms for 14:03:07.12; else a
 * second.
 */
export function parseMoment(text: string, flag: string, nowUs: Us, zone: Zone): { fromUs: Us; toUs: Us } {
  const fromUs = parseTime(text, flag, nowUs, zone);
  const fraction = /(?::\d\d|@\d+)[.,](\d{1,6})/.exec(text)?.[1];
  const isMinute = /\d:\d\d *(?:z|[+-]\d\d:?\d\d)?$/i.test(text.trim()) && !/:\d\d:\d\d/.test(text);
  const widthUs = fraction !== undefined ? 10 ** (6 - fraction.length) : isMinute ? MINUTE_US : SECOND_US;
  return { fromUs, toUs: fromUs + widthUs };
}

function pastOf(word: string, nowUs: Us): Us | undefined {
  if (word === 'now') return nowUs;
  const length = durationOf(word.replace(/ *ago$/, ''));
  return length === undefined ? undefined : nowUs - length;
}

function epochOf(word: string): Us | undefined {
  const m = /^@(\d{1,11})(?:\.(\d{1,6}))?$/.exec(word);
  return m === null ? undefined : Number(m[1]) * SECOND_US + Number((m[2] ?? '').padEnd(6, '0'));
}

const TIME = '(\\d{1,2}):(\\d{2})(?::(\\d{2})(?:[.,](\\d{1,6})\\d*)?)?';
const DAY_WORD = new RegExp(`^(today|yesterday)?(?: *(?:at +)?${TIME})?$`);
const SHORT = new RegExp(`^\\d{2}-\\d{2} ${TIME}$`);
const DATE = new RegExp(`^(\\d{4})-(\\d{2})-(\\d{2})(?:[t ]${TIME} *(z|[+-]\\d{2}:?\\d{2})?)?$`);

function dayOf(word: string, nowUs: Us, zone: Zone): Us | undefined {
  const m = DAY_WORD.exec(word);
  if (m === null || word === '') return undefined;
  const [, day, ...time] = m;
  const ofDay = timeOfDay(time);
  if (ofDay === undefined) return undefined;
  const today = new Date(Math.floor((nowUs + zone(nowUs)) / 1000));
  const at = (daysBack: number) =>
    fromLocal(
      Date.UTC(today.getUTCFullYear(), today.getUTCMonth(), today.getUTCDate() - daysBack) * 1000 + ofDay,
      zone,
    );
  if (day !== undefined) return at(day === 'today' ? 0 : 1);
  return at(0) <= nowUs ? at(0) : at(1);
}

/** `11-21 14:04:05`, as tables print it: the latest such moment that is not after now. */
function shortOf(word: string, nowUs: Us, zone: Zone): Us | undefined {
  if (!SHORT.test(word)) return undefined;
  const year = new Date(Math.floor((nowUs + zone(nowUs)) / 1000)).getUTCFullYear();
  return [year, year - 1].map((one) => dateOf(`${one}-${word}`, zone)).find((us) => us !== undefined && us <= nowUs);
}

function dateOf(word: string, zone: Zone): Us | undefined {
  const m = DATE.exec(word);
  if (m === null) return undefined;
  const [year, month, day] = [Number(m[1]), Number(m[2]), Number(m[3])];
  const date = new Date(Date.UTC(year, month - 1, day));
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return undefined; // the 31st of February
  const ofDay = timeOfDay(m.slice(4, 8));
  if (ofDay === undefined) return undefined;
  const local = date.getTime() * 1000 + ofDay;
  return m[8] === undefined ? fromLocal(local, zone) : local - offsetOf(m[8]);
}

/** Hours, minutes, seconds and a fraction as text; all absent: midnight. */
function timeOfDay([h = '0', m = '0', s = '0', fraction = '']: readonly (string | undefined)[]): Us | undefined {
  if (Number(h) > 23 || Number(m) > 59 || Number(s) > 59) return undefined;
  return Number(h) * HOUR_US + Number(m) * MINUTE_US + Number(s) * SECOND_US + Number(fraction.padEnd(6, '0'));
}

function offsetOf(text: string): Us {
  if (text === 'z') return 0;
  const digits = text.slice(1).replace(':', '');
  const us = Number(digits.slice(0, 2)) * HOUR_US + Number(digits.slice(2)) * MINUTE_US;
  return text.startsWith('-') ? -us : us;
}

/** Local time to the instant. Asked twice, because the offset belongs to the instant and not to the local time. */
function fromLocal(localUs: Us, zone: Zone): Us {
  const guess = localUs - zone(localUs);
  return localUs - zone(guess);
}
