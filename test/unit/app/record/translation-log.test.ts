import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TranslationLog, toTimeOfDay } from '../../../../src/app/record/translation-log.ts';
import { createColumns, pushRow } from '../../../../src/core/columns.ts';
import {
  TRANSLATION_COLUMNS,
  type TranslationColumns,
  type TranslationHistoryColumns,
} from '../../../../src/core/translation.ts';
import { KEY_WORDS, keyFirstPort } from '../../../../src/core/tuple.ts';
import { writeKey } from '../../../support/ticks.ts';

const HOME = 7;

/** 'inner > outer' port of a client to one server; with a minus in front it ends. */
function heard(...texts: readonly string[]): TranslationColumns {
  const found = createColumns(TRANSLATION_COLUMNS);
  for (const text of texts) {
    const [, minus, inner, outer] = /^(-?)(\d+) > (\d+)$/.exec(text)!;
    const row = pushRow(found);
    writeKey(`udp 10.0.0.2:${inner} > 192.0.2.1:53`, found.original, row * KEY_WORDS);
    writeKey(`udp 198.51.100.1:${outer} > 192.0.2.1:53`, found.translated, row * KEY_WORDS);
    found.ended[row] = minus === '-' ? 1 : 0;
  }
  return found;
}

const texts = (rows: TranslationHistoryColumns): string[] =>
  Array.from({ length: rows.count }, (_, i) => {
    const [inner, outer] = [rows.original, rows.translated].map((keys) => keyFirstPort(keys, i * KEY_WORDS));
    return `${rows.id[i]}: ${inner} > ${outer} from ${rows.fromUs[i]} to ${rows.toUs[i] || 'now'}`;
  });

const news = (found: TranslationColumns, sinceUs: number) => ({ found, isList: false, sinceUs });
const list = (found: TranslationColumns, sinceUs: number) => ({ found, isList: true, sinceUs });

test('a translation is told when it begins, and with the same id when it ends, no later than it did', () => {
  const log = new TranslationLog();
  log.note(news(heard('1000 > 1000'), 10), HOME, 20);
  assert.deepEqual(texts(log.take()), ['1: 1000 > 1000 from 10 to now']);
  log.note(news(heard('-1000 > 1000'), 30), HOME, 40);
  assert.deepEqual(texts(log.take()), ['1: 1000 > 1000 from 10 to 30']);
  assert.deepEqual(texts(log.take()), []);
});

test('what began and ended between two looks has the time between them', () => {
  const log = new TranslationLog();
  log.note(news(heard('1000 > 1000', '-1000 > 1000'), 10), HOME, 20);
  assert.deepEqual(texts(log.take()).at(-1), '1: 1000 > 1000 from 10 to 20');
});

test('a translated tuple is never of two at once, even when nobody told that the first one ended', () => {
  const log = new TranslationLog();
  log.note(news(heard('1000 > 5000'), 10), HOME, 20);
  log.note(news(heard('2000 > 5000', '1000 > 6000'), 30), HOME, 40);
  assert.deepEqual(texts(log.take()), [
    '1: 1000 > 5000 from 10 to now',
    '1: 1000 > 5000 from 10 to 30',
    '2: 2000 > 5000 from 30 to now',
    '3: 1000 > 6000 from 30 to now',
  ]);
});

test('a list ends what is not in it, of its own namespace alone', () => {
  const log = new TranslationLog();
  log.note(news(heard('1000 > 1000', '2000 > 2000'), 10), HOME, 20);
  log.note(news(heard('1000 > 1000'), 10), HOME + 1, 20);
  log.take();
  log.note(list(heard('2000 > 2000', '3000 > 3000'), 30), HOME, 40);
  assert.deepEqual(texts(log.take()), ['4: 3000 > 3000 from 30 to now', '1: 1000 > 1000 from 10 to 30']);
});

test('what finds no room is counted, and the oldest is not taken for in force any more', () => {
  const log = new TranslationLog(2);
  for (const port of [1, 2, 3]) {
    log.note(news(heard(`${port} > ${port}`), 10 * port), HOME, 10 * port + 5);
    if (port === 2) log.take();
  }
  assert.deepEqual([texts(log.take()), log.lost], [['1: 1 > 1 from 10 to 30', '3: 3 > 3 from 30 to now'], 1]);
  log.note(news(heard('4 > 4', '5 > 5', '6 > 6'), 40), HOME, 50);
  assert.equal(log.lost, 4, 'one more made room, two found no row');
});

test('times become those of the day, and no interval is negative', () => {
  const log = new TranslationLog();
  log.note(news(heard('1 > 1', '2 > 2'), 10), HOME, 20);
  log.note(news(heard('-1 > 1'), 30), HOME, 40);
  const back = (us: number): number => (us < 30 ? us + 1000 : us);
  assert.deepEqual(texts(toTimeOfDay(log.take(), back)), [
    '1: 1 > 1 from 1010 to now',
    '2: 2 > 2 from 1010 to now',
    '1: 1 > 1 from 1010 to 1010',
  ]);
});
