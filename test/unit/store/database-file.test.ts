import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { checkHeader, currentRights, prepareDatabaseFile, prepareFolder } from '../../../src/store/database-file.ts';
import { FlowStore } from '../../../src/store/flow-store.ts';
import { openSqlite } from '../../../src/store/sqlite.ts';
import { OPTIONS, withFolder } from '../../support/database.ts';

const isRoot = process.getuid!() === 0;
const ROOT = { uid: 0, sudo: null };
const SOMEBODY = { uid: 1000, sudo: null };

test('prepareDatabaseFile() makes a file of mode 0600 in a folder of mode 0700, whatever the umask', () => {
  withFolder((folder) => {
    const path = join(folder, 'new', 'a.db');
    const old = process.umask(0o277);
    try {
      prepareDatabaseFile(path, SOMEBODY);
    } finally {
      process.umask(old);
    }
    assert.equal(statSync(path).mode & 0o777, 0o600);
    process.umask(0);
    try {
      prepareDatabaseFile(join(folder, 'b.db'), SOMEBODY);
      prepareFolder(join(folder, 'c'), SOMEBODY);
    } finally {
      process.umask(old);
    }
    assert.equal(statSync(join(folder, 'b.db')).mode & 0o777, 0o600);
    assert.equal(statSync(join(folder, 'c')).mode & 0o777, 0o700);
  });
});

test('prepareDatabaseFile() refuses a symbolic link as root, and follows it as anybody else', () => {
  withFolder((folder) => {
    const [target, link] = [join(folder, 'target.db'), join(folder, 'link.db')];
    writeFileSync(target, '');
    symlinkSync(target, link);
    assert.throws(() => prepareDatabaseFile(link, ROOT), { code: 'database-symlink' });
    prepareDatabaseFile(link, SOMEBODY);
  });
});

test('prepareDatabaseFile() does not create through a dangling link', () => {
  withFolder((folder) => {
    const link = join(folder, 'link.db');
    symlinkSync(join(folder, 'nowhere'), link);
    assert.throws(() => prepareDatabaseFile(link, ROOT), { code: 'database-symlink' });
    assert.throws(() => prepareDatabaseFile(link, SOMEBODY), { code: 'database-file' });
  });
});

test('prepareDatabaseFile() refuses what is not a regular file', () => {
  withFolder((folder) => {
    assert.throws(() => prepareDatabaseFile(folder, SOMEBODY), { code: 'database-not-a-file' });
    assert.throws(() => prepareDatabaseFile('/dev/null', SOMEBODY), { code: 'database-not-a-file' });
  });
});

test("prepareDatabaseFile() refuses another owner's file as root, but not that of the sudo user or of the folder's owner", {
  skip: isRoot ? false : 'needs chown',
}, () => {
  withFolder((folder) => {
    const path = join(folder, 'a.db');
    writeFileSync(path, '');
    chownSync(path, 1234, 1234);
    assert.throws(() => prepareDatabaseFile(path, ROOT), { code: 'database-owner' });
    assert.throws(() => prepareDatabaseFile(path, { uid: 0, sudo: { uid: 1235, gid: 1235 } }), {
      code: 'database-owner',
    });
    prepareDatabaseFile(path, { uid: 0, sudo: { uid: 1234, gid: 1234 } });
    chownSync(folder, 1234, 1234);
    prepareDatabaseFile(path, ROOT);
  });
});

test('prepareDatabaseFile() gives a new file and folder to the user who called sudo', {
  skip: isRoot ? false : 'needs chown',
}, () => {
  withFolder((folder) => {
    const path = join(folder, 'new', 'a.db');
    prepareDatabaseFile(path, { uid: 0, sudo: { uid: 1234, gid: 1235 } });
    for (const name of [path, join(folder, 'new')]) {
      assert.deepEqual([statSync(name).uid, statSync(name).gid], [1234, 1235]);
    }
  });
});

test('prepareDatabaseFile() refuses a planted write-ahead log, beside a new file and as a link', () => {
  withFolder((folder) => {
    const path = join(folder, 'a.db');
    writeFileSync(`${path}-journal`, 'planted');
    assert.throws(() => prepareDatabaseFile(path, SOMEBODY), { code: 'left-over-file' });
    const other = join(folder, 'b.db');
    writeFileSync(other, '');
    symlinkSync('/etc/passwd', `${other}-wal`);
    assert.throws(() => prepareDatabaseFile(other, ROOT), { code: 'database-symlink' });
  });
});

test('prepareDatabaseFile() explains errors of the file system', () => {
  withFolder((folder) => {
    writeFileSync(join(folder, 'file'), '');
    assert.throws(() => prepareDatabaseFile(join(folder, 'file', 'a.db'), SOMEBODY), {
      name: 'UserError',
      code: 'database-file',
      message: /EEXIST|ENOTDIR/,
    });
    assert.throws(() => prepareDatabaseFile(join(folder, 'x'.repeat(300)), SOMEBODY), { message: /ENAMETOOLONG/ });
  });
});

test('open() refuses a foreign SQLite file and a text file, and leaves both as they were', () => {
  withFolder((folder) => {
    const foreign = join(folder, 'browser.sqlite');
    writeFileSync(foreign, '');
    const db = openSqlite(foreign, 'write');
    db.exec('CREATE TABLE history (url TEXT)');
    db.close();
    const text = join(folder, 'notes.txt');
    writeFileSync(text, 'remember the milk '.repeat(10));
    for (const path of [foreign, text]) {
      const before = readFileSync(path);
      assert.throws(() => FlowStore.open(path, OPTIONS), { code: 'foreign-database' });
      assert.deepEqual(readFileSync(path), before);
    }
  });
});

test('open() takes an empty file that mktemp made', () => {
  withFolder((folder) => {
    const path = join(folder, 'tmp');
    writeFileSync(path, '', { mode: 0o600 });
    FlowStore.open(path, OPTIONS).close();
    checkHeader(path, 'refused');
  });
});

test('checkHeader() refuses an empty file for readers, a short one, a missing one, and does not wait for a FIFO', () => {
  withFolder((folder) => {
    const path = join(folder, 'a');
    assert.throws(() => checkHeader(path, 'refused'), { code: 'database-file', message: /ENOENT/ });
    writeFileSync(path, '');
    assert.throws(() => checkHeader(path, 'refused'), { code: 'foreign-database', message: /empty/ });
    writeFileSync(path, 'SQLite format 3\0');
    assert.throws(() => checkHeader(path, 'refused'), { code: 'foreign-database' });
    mkdirSync(join(folder, 'folder'));
    execFileSync('mkfifo', [join(folder, 'fifo')]);
    for (const name of ['folder', 'fifo'])
      assert.throws(() => checkHeader(join(folder, name), 'refused'), { code: 'database-not-a-file' }, name);
  });
});

test('checkHeader() explains a file that may not be read', () => {
  withFolder((folder) => {
    const path = join(folder, 'a');
    writeFileSync(path, 'x');
    chmodSync(path, 0);
    if (isRoot) process.seteuid!(65534); // root may read everything
    try {
      assert.throws(() => checkHeader(path, 'refused'), { code: 'database-file', message: /EACCES/ });
    } finally {
      if (isRoot) process.seteuid!(0);
    }
  });
});

test('currentRights() believes only numbers in SUDO_UID and SUDO_GID', () => {
  assert.deepEqual(currentRights({ SUDO_UID: '1000', SUDO_GID: '100' }).sudo, { uid: 1000, gid: 100 });
  assert.deepEqual(currentRights({ SUDO_UID: '1000' }).sudo, { uid: 1000, gid: 1000 });
  for (const SUDO_UID of ['', '-1', 'root', '1e3', undefined]) assert.equal(currentRights({ SUDO_UID }).sudo, null);
});
