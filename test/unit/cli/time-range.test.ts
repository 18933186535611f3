import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseDuration, parseMoment, parseTime } from '../../../src/cli/time-range.ts';
import { formatTimeUs } from '../../../src/core/time.ts';
import { formatLocal, utcZone, type Zone } from '../../../src/report/local-time.ts';

const HOUR = 3_600_000_000;
const NOW = Date.UTC(2026, 10, 21, 13, 30) * 1000;
/** Two hours east of Greenwich until 2026-10-25T01:00Z, then one: as in Berlin. */
const berlin: Zone = (us) => (us < Date.UTC(2026, 9, 25, 1) * 1000 ? 2 : 1) * HOUR;

test('parseTime() understands every form, in the zone', () => {
  const cases: readonly [string, string][] = [
    ['now', '2026-11-21T13:30:00.000000Z'],
    ['10m', '2026-11-21T13:20:00.000000Z'],
    ['1h30m', '2026-11-21T12:00:00.000000Z'],
    ['1h 30m', '2026-11-21T12:00:00.000000Z'],
    ['2 hours ago', '2026-11-21T11:30:00.000000Z'],
    ['1 day ago', '2026-11-20T13:30:00.000000Z'],
    ['1.5h', '2026-11-21T12:00:00.000000Z'],
    ['250ms', '2026-11-21T13:29:59.750000Z'],
    ['today', '2026-11-20T23:00:00.000000Z'],
    ['yesterday', '2026-11-19T23:00:00.000000Z'],
    ['yesterday 14:00', '2026-11-20T13:00:00.000000Z'],
    ['Today 07:05:09', '2026-11-21T06:05:09.000000Z'],
    ['14:00', '2026-11-21T13:00:00.000000Z'],
    ['14:31', '2026-11-20T13:31:00.000000Z'], // not after now: yesterday's
    ['2026-11-21', '2026-11-20T23:00:00.000000Z'],
    ['2026-07-01', '2026-06-30T22:00:00.000000Z'],
    ['2026-11-21 08:00', '2026-11-21T07:00:00.000000Z'],
    ['2026-11-21T08:00:01.5', '2026-11-21T07:00:01.500000Z'],
    ['2026-11-21T08:00:00Z', '2026-11-21T08:00:00.000000Z'],
    ['2026-11-21T08:00:00+05:30', '2026-11-21T02:30:00.000000Z'],
    ['2026-11-21T08:00:00-0500', '2026-11-21T13:00:00.000000Z'],
    ['2026-10-25 01:30', '2026-10-24T23:30:00.000000Z'], // before the clock goes back at 03:00
    ['2026-10-25 03:30', '2026-10-25T02:30:00.000000Z'],
    ['yesterday at 14:00', '2026-11-20T13:00:00.000000Z'],
    ['11-21 08:00:00', '2026-11-21T07:00:00.000000Z'], // as tables print it
    ['11-22 08:00:00', '2025-11-22T06:00:00.000000Z'], // not after now: last year's
    ['1y', '2025-11-21T13:30:00.000000Z'],
    ['@0', '1970-01-01T00:00:00.000000Z'],
    ['@1795266000.25', '2026-11-21T13:00:00.250000Z'],
  ];
  for (const [text, expected] of cases) {
    assert.equal(formatTimeUs(parseTime(text, '--since', NOW, berlin)), expected, text);
  }
});

test('parseMoment() is as long as what was written is exact', () => {
  const cases: readonly [string, number][] = [
    ['14:03', 60_000_000],
    ['2026-11-20 14:03Z', 60_000_000],
    ['2026-11-20T14:03+01:00', 60_000_000],
    ['14:03:07', 1_000_000],
    ['2026-11-20T14:03:07+01:00', 1_000_000],
    ['2026-11-20 14:03:07.12', 10_000],
    ['2026-11-20 14:03:07.123456Z', 1],
    ['@1795266000', 1_000_000],
    ['@1795266000.5', 100_000],
    ['10m', 1_000_000],
  ];
  for (const [text, widthUs] of cases) {
    const { fromUs, toUs } = parseMoment(text, '--at', NOW, utcZone);
    assert.deepEqual([fromUs, toUs - fromUs], [parseTime(text, '--at', NOW, utcZone), widthUs], text);
  }
});

test('parseTime() refuses what is not a time, and names the flag', () => {
  const wrong = [
    '',
    ' ',
    'ago',
    '10',
    '10 parsecs',
    '25:00',
    '12:60',
    '2026-02-30',
    '2026-13-01',
    'tomorrow',
    '@',
    '@1e9',
    '-5m',
    '10m later',
    '2026-11-21T08',
  ];
  for (const text of wrong) {
    assert.throws(() => parseTime(text, '--until', NOW, utcZone), { code: 'bad-time', message: /^--until: / }, text);
  }
});

test('parseTime() never throws anything but a UserError, for any text', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[0-9:@.\-+TZ agohms]{0,20}$/)), (text) => {
      try {
        assert.ok(Number.isSafeInteger(parseTime(text, '--since', NOW, berlin)));
      } catch (error) {
        assert.equal((error as Error).name, 'UserError');
      }
    }),
  );
});

test('parseTime() reads back what formatLocal() prints, also across the change of the clock', () => {
  fc.assert(
    fc.property(fc.integer({ min: Date.UTC(2026, 9, 20) / 1000, max: Date.UTC(2026, 10, 1) / 1000 }), (seconds) => {
      const us = seconds * 1_000_000;
      const back = parseTime(formatLocal(us, berlin), '--at', NOW, berlin);
      // In the hour that the clock shows twice, the text itself does not say which one is meant.
      assert.ok(back === us || Math.abs(back - us) === HOUR);
      assert.equal(formatLocal(back, berlin), formatLocal(us, berlin));
    }),
  );
});

test('parseDuration() adds its parts, and refuses nothing at all', () => {
  assert.equal(parseDuration('15s', '--for'), 15_000_000);
  assert.equal(parseDuration('1h30m', '--for'), 1.5 * HOUR);
  assert.equal(parseDuration('2 days', '--for'), 48 * HOUR);
  for (const text of ['0s', '', '5', 's', '1h-5m', '99999999999w'])
    assert.throws(() => parseDuration(text, '--for'), { code: 'bad-duration' }, text);
});
