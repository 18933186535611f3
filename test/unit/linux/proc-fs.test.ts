import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { ProcFs } from '../../../src/linux/proc-fs.ts';

const folder = mkdtempSync(join(tmpdir(), 'proc-fs-'));
after(() => rmSync(folder, { recursive: true }));

/** Root may read everything, so root becomes another user for the time of the call. */
function withoutRights(run: () => void): void {
  const root = process.geteuid?.() === 0;
  if (root) process.seteuid!(65534);
  try {
    run();
  } finally {
    if (root) process.seteuid!(0);
  }
}

test('ProcFs.read() returns a whole file that is larger than its buffer', () => {
  const big = Buffer.alloc(300_000, 'abcdefghi');
  writeFileSync(join(folder, 'big'), big);
  const fs = new ProcFs(folder);
  assert.ok(fs.read('big')!.equals(big));
  assert.equal(fs.read('big', 70_000)!.length, 70_000);
});

test('ProcFs.read() reads kernel files, whose size stat shows as 0', () => {
  assert.match(new ProcFs().readText('self/stat')!, new RegExp(`^${process.pid} \\(`));
});

test('ProcFs.readText() has one character for each octet', () => {
  writeFileSync(join(folder, 'octets'), Uint8Array.of(0, 0xff, 0xc3, 0xa4));
  assert.equal(new ProcFs(folder).readText('octets'), '\0\xff\xc3\xa4');
});

test('ProcFs counts what is gone and returns undefined', () => {
  const fs = new ProcFs(folder);
  assert.equal(fs.read('none'), undefined);
  assert.equal(fs.readLink('none'), undefined);
  assert.equal(fs.readDir('none'), undefined);
  assert.equal(fs.version('none'), undefined);
  assert.deepEqual(fs.counts, { vanished: 4, denied: 0, broken: 0 });
});

test('ProcFs counts what may not be read apart from what is gone', () => {
  const locked = join(folder, 'locked');
  mkdirSync(locked);
  writeFileSync(join(locked, 'file'), '');
  symlinkSync('file', join(locked, 'link'));
  chmodSync(locked, 0);
  const fs = new ProcFs(folder);
  chmodSync(folder, 0o755);
  withoutRights(() => {
    assert.equal(fs.read('locked/file'), undefined);
    assert.equal(fs.readLink('locked/link'), undefined);
    assert.equal(fs.readDir('locked'), undefined);
  });
  chmodSync(locked, 0o755);
  assert.deepEqual(fs.counts, { vanished: 0, denied: 3, broken: 0 });
});

test('ProcFs counts what cannot be read whatever the right as broken', () => {
  symlinkSync('loop', join(folder, 'loop'));
  writeFileSync(join(folder, 'plain'), '');
  const fs = new ProcFs(folder);
  assert.equal(fs.read('loop'), undefined);
  assert.equal(fs.readLink('plain'), undefined);
  assert.equal(fs.readDir('plain'), undefined);
  assert.deepEqual(fs.counts, { vanished: 0, denied: 0, broken: 3 });
});

test('ProcFs throws what is a mistake of the program', () => {
  assert.throws(() => new ProcFs(folder).read('.'), { code: 'EISDIR' });
});

test('ProcFs.readLink() returns links to nothing', () => {
  symlinkSync('socket:[123]', join(folder, '3'));
  assert.equal(new ProcFs(folder).readLink('3'), 'socket:[123]');
});

test('ProcFs closes every descriptor', () => {
  const self = new ProcFs();
  const fs = new ProcFs(folder);
  const before = self.readDir('self/fd')!.length;
  for (let i = 0; i < 50; i++) {
    fs.read('octets');
    fs.read('none');
  }
  assert.equal(self.readDir('self/fd')!.length, before);
});

test('ProcFs.version() changes when the file is written', () => {
  writeFileSync(join(folder, 'changing'), 'a');
  const fs = new ProcFs(folder);
  const first = fs.version('changing');
  assert.equal(fs.version('changing'), first);
  writeFileSync(join(folder, 'changing'), 'ab');
  assert.notEqual(fs.version('changing'), first);
});
