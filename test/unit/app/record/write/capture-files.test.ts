import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { CaptureFiles, checkCapturePath, rotatedName } from '../../../../../src/app/record/write/capture-files.ts';
import { UserError } from '../../../../../src/core/errors.ts';

const folder = mkdtempSync(join(tmpdir(), 'pcapid-files-'));
after(() => rmSync(folder, { recursive: true }));
const ONE = { force: false, rotates: false, keep: Infinity };
const AT = new Date(2026, 0, 31, 23, 5, 9);

function codeOf(run: () => void): string {
  try {
    run();
  } catch (error) {
    if (error instanceof UserError) return error.code;
    throw error;
  }
  return 'none';
}

test('files are named as dumpcap names them', () => {
  assert.equal(rotatedName('/a.b/trip.pcapng', 7, AT), '/a.b/trip_00007_20260131230509.pcapng');
  assert.equal(rotatedName('trip', 123456, AT), 'trip_123456_20260131230509');
});

test('what exists stays as it is without --force, also behind a link', () => {
  const [path, link] = [join(folder, 'there'), join(folder, 'link')];
  writeFileSync(path, 'x');
  symlinkSync(path, link);
  for (const taken of [path, link]) {
    assert.equal(
      codeOf(() => new CaptureFiles({ path: taken, ...ONE }).open(AT)),
      'output-exists',
    );
  }
  assert.equal(
    codeOf(() => checkCapturePath({ path, ...ONE })),
    'output-exists',
  );
  assert.equal(
    codeOf(() => checkCapturePath({ path: folder, ...ONE, force: true })),
    'bad-output',
  );
  const files = new CaptureFiles({ path: link, ...ONE, force: true });
  files.open(AT);
  files.write(Uint8Array.of(65));
  files.close();
  assert.deepEqual([readFileSync(path, 'utf8'), readFileSync(link, 'utf8')], ['x', 'A']);
  assert.equal(statSync(link).mode & 0o777, 0o600);
});

test('the oldest files are deleted, and a file that nothing was written to is taken back', () => {
  const files = new CaptureFiles({ path: join(folder, 'ring'), force: false, rotates: true, keep: 2 });
  for (let n = 0; n < 4; n++) {
    files.close();
    files.open(AT);
    files.write(new Uint8Array(10));
  }
  files.close();
  assert.deepEqual([files.begun, files.bytes], [4, 40]);
  assert.deepEqual(
    readdirSync(folder)
      .filter((name) => name.startsWith('ring'))
      .map((name) => name.slice(5, 10)),
    ['00003', '00004'],
  );
  const path = join(folder, 'empty');
  const empty = new CaptureFiles({ path, ...ONE });
  empty.open(AT);
  empty.abandon();
  assert.equal(existsSync(path), false);
});

test('a full device and a pipe without a reader are told by name', () => {
  const full = new CaptureFiles({ path: '/dev/full', ...ONE });
  full.open(AT);
  assert.throws(() => full.write(new Uint8Array(10)), { code: 'ENOSPC' });
  full.close();
  const path = join(folder, 'pipe');
  execFileSync('mkfifo', [path]);
  assert.equal(
    codeOf(() => new CaptureFiles({ path, ...ONE }).open(AT)),
    'output-file',
  );
});
