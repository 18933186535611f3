import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { FlowStore } from '../../../src/store/flow-store.ts';
import { openPatiently } from '../../../src/store/patience.ts';
import { OPTIONS, withFolder } from '../../support/database.ts';

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

test('a recorder opens its database anew as long as that may pass', () => {
  withFolder((folder) => {
    const path = join(folder, 'a.db');
    FlowStore.open(path, OPTIONS); // of a recorder that died
    let asked = 0;
    const isAlive = (): boolean => {
      if (++asked < 3) throw Object.assign(new Error('no'), { code: 'SQLITE_READONLY' });
      return false;
    };
    FlowStore.open(path, { ...OPTIONS, isAlive }).close();
    assert.equal(asked, 3);
  });
});
