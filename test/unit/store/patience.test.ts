import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openPatiently } from '../../../src/store/patience.ts';

/** Opens at the `tries`th try; before, it fails as the driver does. */
function opensAt(tries: number, code: string): { readonly open: () => string; tried: number } {
  const door = {
    tried: 0,
    open: () => {
      if (++door.tried >= tries) return 'open';
      throw Object.assign(new Error('no'), { code });
    },
  };
  return door;
}

test('openPatiently() waits until files beside the database belong to their owner again', () => {
  for (const code of ['SQLITE_CANTOPEN', 'SQLITE_READONLY', 'SQLITE_READONLY_ROLLBACK']) {
    assert.equal(openPatiently(opensAt(3, code).open), 'open', code);
  }
});

test('openPatiently() gives up where that lasts, with what was in the way', () => {
  const door = opensAt(Infinity, 'SQLITE_READONLY');
  assert.throws(() => openPatiently(door.open), { code: 'SQLITE_READONLY' });
  assert.ok(door.tried > 1);
});

test('openPatiently() does not try again what no time mends', () => {
  for (const code of ['SQLITE_CORRUPT', 'foreign-database']) {
    const door = opensAt(3, code);
    assert.throws(() => openPatiently(door.open), { code });
    assert.equal(door.tried, 1);
  }
});
