import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { ProcFs } from '../../../src/linux/proc-fs.ts';
import { parsePasswd, UserNames } from '../../../src/linux/users.ts';

test('parsePasswd() takes the first of two names and leaves out what is no user', () => {
  const text = [
    'root:x:0:0:root:/root:/bin/bash',
    'toor:x:0:0::/root:/bin/sh',
    '# comment:x:1:1::/:',
    '+nis::2:2:::',
    'broken:x:abc:1::/:',
    'short:x',
    'big:x:4294967296:1::/:',
    'nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin',
    'j\xf6rg:x:1000:1000::/home:/bin/sh',
    '',
  ].join('\n');
  assert.deepEqual(
    [...parsePasswd(text)],
    [
      [0, 'root'],
      [65534, 'nobody'],
      [1000, 'j\\xf6rg'],
    ],
  );
});

test('UserNames reads the file again when it changed, and only then', () => {
  const folder = mkdtempSync(join(tmpdir(), 'users-'));
  const passwd = join(folder, 'passwd');
  writeFileSync(passwd, 'ann:x:1000:1000::/:\n');
  const users = new UserNames(new ProcFs(folder));
  assert.equal(users.get(1000), 'ann');
  assert.equal(users.get(1001), undefined);
  assert.equal(users.refresh(), false);
  writeFileSync(passwd, 'ann:x:1000:1000::/:\nbob:x:1001:1001::/:\n');
  assert.equal(users.refresh(), true);
  assert.equal(users.get(1001), 'bob');
  rmSync(passwd);
  assert.equal(users.refresh(), true);
  assert.equal(users.get(1000), undefined);
  rmSync(folder, { recursive: true });
});
