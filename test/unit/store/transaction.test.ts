import assert from 'node:assert/strict';
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { FlowStore, StoreBusy } from '../../../src/store/flow-store.ts';
import { openSqlite } from '../../../src/store/sqlite.ts';
import { OPTIONS, rowsOf, withDatabase, withFolder } from '../../support/database.ts';
import { INFO, processRow, tick } from '../../support/ticks.ts';

const TUPLE = 'tcp 10.0.0.5:43210 > 93.184.216.34:443';

test('write() throws StoreBusy on a full disk, stores nothing of the tick, and succeeds when there is room again', () => {
  withFolder((folder) => {
    const path = join(folder, 'full.db');
    const store = FlowStore.open(path, { ...OPTIONS, maxPages: 60 });
    store.beginCapture(INFO);
    store.write(tick({ flows: [{ serial: 1, tuple: TUPLE }] }));
    const flows = Array.from({ length: 5000 }, (_, i) => ({
      serial: i + 2,
      tuple: `udp 10.0.0.5:53 > 10.1.${i >> 8}.${i & 255}:53`,
    }));
    const { row, program } = processRow(1, { pid: 9, netns: 4711 });
    const big = tick({
      flows,
      programs: [program],
      processes: [row],
      ends: [{ serial: 2, side: 'src', process: 1, netns: 4711 }],
    });
    assert.throws(
      () => store.write(big),
      (error) => error instanceof StoreBusy && error.code === 'SQLITE_FULL',
    );
    store.close();
    assert.deepEqual(rowsOf(path, 'SELECT (SELECT count(*) FROM flow) f, (SELECT count(*) FROM process) p'), [
      { f: 1, p: 0 },
    ]);

    const again = FlowStore.open(path, OPTIONS);
    again.beginCapture(INFO);
    again.write(big);
    again.close();
    assert.deepEqual(rowsOf(path, 'SELECT count(*) AS flows, count(DISTINCT dst_addr) AS addresses FROM flow_record'), [
      { flows: 5001, addresses: 5001 },
    ]);
  });
});

test('write() after a rollback forgets the rows of addresses and namespaces that were rolled back', () => {
  withFolder((folder) => {
    const path = join(folder, 'busy.db');
    const store = FlowStore.open(path, OPTIONS);
    store.beginCapture(INFO);
    const { row, program } = processRow(1, { pid: 9, netns: 4711 });
    const good = { programs: [program], processes: [row], flows: [{ serial: 1, tuple: TUPLE }] };
    const broken = {
      ...tick(good),
      get interfaces(): never {
        throw new Error('half way');
      },
    };
    assert.throws(() => store.write(broken), /half way/);
    store.write(tick({ flows: [{ serial: 7, tuple: 'udp 1.1.1.1:1 > 2.2.2.2:2' }] })); // takes the row ids that were free again
    store.write(tick(good));
    store.close();
    assert.deepEqual(rowsOf(path, 'SELECT src_addr FROM flow_record ORDER BY flow_id'), [
      { src_addr: '10.0.0.5' },
      { src_addr: '1.1.1.1' },
    ]);
    assert.deepEqual(rowsOf(path, 'PRAGMA foreign_key_check'), []);
    assert.deepEqual(rowsOf(path, 'SELECT n.inode FROM process p JOIN netns n ON n.id = p.netns'), [{ inode: 4711 }]);
  });
});

test('write() before beginCapture() is a bug and says so', () => {
  withFolder((folder) => {
    const store = FlowStore.open(join(folder, 'a.db'), OPTIONS);
    assert.throws(() => store.write(tick()), TypeError);
    store.close();
  });
});

test('close() leaves one plain file of mode 0600 without a lock', () => {
  withDatabase([tick()], (path) => {
    assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.equal(existsSync(`${path}-wal`), false);
    assert.deepEqual(rowsOf(path, 'PRAGMA journal_mode'), [{ journal_mode: 'delete' }]);
    assert.deepEqual(rowsOf(path, 'SELECT count(*) AS locks FROM recorder'), [{ locks: 0 }]);
    assert.deepEqual(rowsOf(path, 'PRAGMA auto_vacuum'), [{ auto_vacuum: 2 }]);
  });
});

test('close() succeeds while a reader is in the middle of the file', () => {
  withFolder((folder) => {
    const path = join(folder, 'read.db');
    const store = FlowStore.open(path, OPTIONS);
    store.beginCapture(INFO);
    store.write(tick({ flows: [{ serial: 1, tuple: TUPLE }] }));
    assert.equal(statSync(`${path}-wal`).mode & 0o777, 0o600);
    const reader = openSqlite(path, 'read');
    const rows = reader.prepare('SELECT id FROM flow').iterate();
    rows.next();
    store.close();
    rows.return?.();
    reader.close();
    assert.deepEqual(rowsOf(path, 'SELECT count(*) AS flows FROM flow'), [{ flows: 1 }]);
  });
});
