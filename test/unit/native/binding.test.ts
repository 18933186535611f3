import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { UserError } from '../../../src/core/errors.ts';
import { findAddon, loadNative } from '../../../src/native/binding.ts';

const root = mkdtempSync(join(tmpdir(), 'pcapid-binding-'));
after(() => rmSync(root, { recursive: true }));

function put(path: string, content = ''): string {
  const full = join(root, path);
  mkdirSync(join(full, '..'), { recursive: true });
  writeFileSync(full, content);
  return full;
}

const withCode =
  (code: string) =>
  (error: unknown): boolean =>
    error instanceof UserError && error.code === code && error.hint.includes('npm run build:native');

put('package.json', JSON.stringify({ name: 'pcapid' }));
put('dist/package.json', '{"name": broken'); // on the way up, not ours
put('dist/threads/package.json', JSON.stringify({ name: 'other' }));

test('findAddon() names the places and the remedy when nothing was built', () => {
  assert.throws(() => findAddon(join(root, 'dist', 'threads'), {}), withCode('no-addon'));
});

test('findAddon() walks up past folders of other packages and prefers build, then node-gyp, then the prebuilt one', () => {
  const folder = join(root, 'dist', 'threads');
  const prebuilt = put(`native/prebuilds/linux-${process.arch}.node`);
  assert.equal(findAddon(folder, {}), prebuilt);
  const gyp = put('native/build/Release/pcapid.node');
  assert.equal(findAddon(folder, {}), gyp);
  const built = put('build/pcapid.node');
  assert.equal(findAddon(folder, {}), built);
  assert.equal(findAddon(folder, { PCAPID_ADDON: '' }), built);
  assert.equal(findAddon(folder, { PCAPID_ADDON: '/elsewhere/x.node' }), '/elsewhere/x.node');
});

test('findAddon() fails with a UserError outside of any pcapid folder', () => {
  assert.throws(() => findAddon('/', {}), withCode('no-addon'));
});

test('loadNative() refuses a file that is no addon', () => {
  const before = process.env.PCAPID_ADDON;
  process.env.PCAPID_ADDON = put('text.node', 'no library');
  try {
    assert.throws(() => loadNative(), withCode('no-addon'));
  } finally {
    if (before === undefined) delete process.env.PCAPID_ADDON;
    else process.env.PCAPID_ADDON = before;
  }
});
