import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  CONFIDENCE_TABLE,
  confidence,
  MATCHES,
  type Match,
  REASONS,
  type Reason,
} from '../../../src/core/attribution.ts';
import { FLOW_RECORD_FIELDS } from '../../../src/core/record.ts';
import { protocolName } from '../../../src/core/tuple.ts';
import { FlowStore } from '../../../src/store/flow-store.ts';
import { migrate } from '../../../src/store/migrate.ts';
import { Reader } from '../../../src/store/reader.ts';
import { checkSchema, SCHEMA_VERSION } from '../../../src/store/schema.ts';
import { APPLICATION_ID, driverTrouble, openSqlite, type Sqlite } from '../../../src/store/sqlite.ts';
import { TOKEN_TABLES } from '../../../src/store/tokens.ts';
import { OPTIONS, rowsOf, withDatabase, withFolder } from '../../support/database.ts';
import { brokenRules } from '../../support/rollups.ts';
import { processRow, tick } from '../../support/ticks.ts';

/** Changes a closed database behind our back. */
function change(path: string, work: (db: Sqlite) => void): void {
  const db = openSqlite(path, 'write');
  work(db);
  db.close();
}

test('migrate() brings an empty database to the newest schema in one go, and does nothing the second time', () => {
  const db = openSqlite(':memory:', 'write');
  migrate(db, 'x');
  assert.equal(db.pragma('user_version', { simple: true }), SCHEMA_VERSION);
  assert.equal(db.pragma('application_id', { simple: true }), APPLICATION_ID);
  const changes = db.prepare('SELECT total_changes()').pluck().get();
  migrate(db, 'x');
  assert.equal(db.prepare('SELECT total_changes()').pluck().get(), changes);
  checkSchema(db, 'x');
  db.close();
});

/** Transactions that changed the file, as its header counts them while it is not in WAL mode. */
const changesOf = (path: string): number => readFileSync(path).readUInt32BE(24);

test('migrate() is one transaction, also from an old schema: no reader meets a schema between two versions', () => {
  withFolder((folder) => {
    for (const sql of ['', readFileSync('test/fixtures/db/v1.sql', 'utf8')]) {
      const path = join(folder, `${sql.length}.db`);
      writeFileSync(path, '');
      change(path, (db) => db.exec(sql));
      const before = sql === '' ? 0 : changesOf(path);
      change(path, (db) => migrate(db, path));
      assert.equal(changesOf(path) - before, 1);
      assert.deepEqual(rowsOf(path, 'PRAGMA user_version'), [{ user_version: SCHEMA_VERSION }]);
    }
  });
});

test('migrate() makes a file that can give pages back', () => {
  const db = openSqlite(':memory:', 'write');
  migrate(db, 'x');
  assert.equal(db.pragma('auto_vacuum', { simple: true }), 2);
  db.close();
});

test('open() refuses a database of a newer schema, to write and to read, and says what to do', () => {
  withDatabase([tick()], (path) => {
    change(path, (db) => db.pragma(`user_version = ${SCHEMA_VERSION + 1}`));
    assert.throws(() => FlowStore.open(path, OPTIONS), { code: 'newer-schema', hint: /Update pcapid/ });
    assert.throws(() => Reader.open(path), { code: 'newer-schema' });
  });
});

test('open() refuses a database with a trigger, with a changed view, and without a table', () => {
  const changes = [
    'CREATE TRIGGER evil AFTER INSERT ON flow BEGIN DELETE FROM flow; END',
    'DROP VIEW endpoint; CREATE VIEW endpoint AS SELECT 1 AS flow_id',
    'DROP TABLE holder',
  ];
  for (const sql of changes) {
    withDatabase([tick()], (path) => {
      change(path, (db) => db.exec(sql));
      assert.throws(() => FlowStore.open(path, OPTIONS), { code: 'foreign-database' });
      assert.throws(() => Reader.open(path), { code: 'foreign-database' });
    });
  }
});

test("open() accepts a reader's own index and statistics", () => {
  withDatabase([tick()], (path) => {
    change(path, (db) => db.exec('CREATE INDEX mine ON flow (dst_port); ANALYZE'));
    FlowStore.open(path, OPTIONS).close();
    Reader.open(path).close();
  });
});

test('a file of the first release still opens, is brought up to date, and answers', () => {
  withFolder((folder) => {
    const path = join(folder, 'v1.db');
    writeFileSync(path, '');
    change(path, (db) => db.exec(readFileSync('test/fixtures/db/v1.sql', 'utf8')));
    FlowStore.open(path, OPTIONS).close();
    const reader = Reader.open(path);
    const rows = reader.all({
      sql: 'SELECT src_comm, dst_addr, src_confidence FROM flow_record WHERE flow_id = 1',
      params: [],
    });
    reader.close();
    assert.deepEqual(rows, [{ src_comm: 'curl', dst_addr: '93.184.216.34', src_confidence: 'exact' }]);
    assert.deepEqual(brokenRules(path, false), []);
  });
});

test('token tables hold the arrays of core: index and text', () => {
  withDatabase([tick()], (path) => {
    for (const [table, tokens] of Object.entries(TOKEN_TABLES)) {
      const expected = tokens.map((token, id) => ({ id, token })).filter(({ token }) => token !== null);
      assert.deepEqual(rowsOf(path, `SELECT id, token FROM ${table} ORDER BY id`), expected, table);
    }
    const matches = MATCHES.map((token, id) => ({ id, token, ...(token === null ? {} : CONFIDENCE_TABLE[token]) }));
    assert.deepEqual(rowsOf(path, 'SELECT * FROM match ORDER BY id'), matches.slice(1));
    assert.equal(rowsOf(path, 'SELECT token FROM protocol WHERE id = 17')[0]?.token, protocolName(17));
  });
});

test('codes that the views compare with are those of core', () => {
  assert.deepEqual([REASONS[4], REASONS[5], REASONS[8]], ['forwarded', 'not-local', 'ambiguous']);
});

test('flow_record has the fields of core/record.ts in their order', () => {
  withDatabase([tick()], (path) => {
    const names = rowsOf(path, "SELECT name FROM pragma_table_info('flow_record')").map(({ name }) => name);
    assert.deepEqual(names, [...FLOW_RECORD_FIELDS]);
  });
});

test('flow_record derives the confidence that core derives, for every match, gap and reason', () => {
  const { row, program } = processRow(1, { pid: 1 });
  const ends: { match: Match | null; gapUs: number; reason: Reason | null; process: number }[] = [];
  for (const match of MATCHES) {
    for (const gapUs of [0, 1]) {
      for (const reason of REASONS) {
        for (const process of [0, 1]) ends.push({ match, gapUs, reason, process });
      }
    }
  }
  const flows = ends.map((_, i) => ({ serial: i + 1, tuple: 'udp 10.0.0.1:1 > 10.0.0.2:2' }));
  const literals = ends.map(({ match, gapUs, reason, process }, i) => ({
    ...{ serial: i + 1, side: 'src' as const, gapUs, process, source: 'diag' as const, holders: 1 },
    ...(match === null ? {} : { match }),
    ...(reason === null ? {} : { reason }),
  }));
  withDatabase([tick({ flows, ends: literals, programs: [program], processes: [row] })], (path) => {
    const stored = rowsOf(path, 'SELECT src_confidence FROM flow_record ORDER BY flow_id').map((r) => r.src_confidence);
    const derived = ends.map(({ match, gapUs, reason, process }) =>
      confidence(match === null ? null : { source: 'diag', match, gapUs, holders: 1 }, reason, process !== 0),
    );
    assert.deepEqual(stored, derived);
  });
});

test('endpoint shows each local end once, from its own point of view', () => {
  const flows = [
    { serial: 1, tuple: 'tcp 127.0.0.1:9 > 127.0.0.1:80', orig: [1, 10, 100], reply: [2, 20, 200] },
    { serial: 2, tuple: 'tcp 1.1.1.1:9 > 10.0.0.1:80', orig: [3, 30, 300], reply: [4, 40, 400] },
    { serial: 3, tuple: 'tcp 1.1.1.1:9 > 2.2.2.2:80' },
    { serial: 4, tuple: 'tcp 1.1.1.1:9 > 3.3.3.3:80' }, // nobody looked it up
  ] as const;
  const ends = [
    { serial: 1, side: 'src', reason: 'no-socket' },
    { serial: 1, side: 'dst', reason: 'kernel' },
    { serial: 2, side: 'src', reason: 'not-local' },
    { serial: 2, side: 'dst', reason: 'no-permission' },
    { serial: 3, side: 'src', reason: 'forwarded' },
    { serial: 3, side: 'dst', reason: 'forwarded' },
  ] as const;
  withDatabase([tick({ flows, ends })], (path) => {
    const sql =
      'SELECT flow_id, side, local_addr, remote_addr, tx_ip_bytes, rx_ip_bytes, service_port, reason FROM endpoint ORDER BY flow_id, side DESC';
    assert.deepEqual(
      rowsOf(path, sql).map((row) => Object.values(row)),
      [
        [1, 'src', '127.0.0.1', '127.0.0.1', 100, 200, 80, 'no-socket'],
        [1, 'dst', '127.0.0.1', '127.0.0.1', 200, 100, 80, 'kernel'],
        [2, 'dst', '10.0.0.1', '1.1.1.1', 400, 300, 80, 'no-permission'],
      ],
    );
  });
});

test('docs/schema.md names every table, view and column, and no other', () => {
  const documented = new Map<string, string[]>();
  let columns: string[] = [];
  for (const line of readFileSync('docs/schema.md', 'utf8').split('\n')) {
    const heading = /^### (\w+)$/.exec(line);
    const column = /^\| `(\w+)` \|/.exec(line);
    if (heading !== null) {
      columns = [];
      documented.set(heading[1]!, columns);
    }
    if (column !== null) columns.push(column[1]!);
  }
  withDatabase([tick()], (path) => {
    const tables = rowsOf(
      path,
      "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%'",
    );
    assert.deepEqual([...documented.keys()].sort(), tables.map(({ name }) => name).sort());
    for (const [name, found] of documented) {
      const real = rowsOf(path, 'SELECT name FROM pragma_table_info(?)', name).map((column) => column.name);
      assert.deepEqual(found, real, name);
    }
  });
});

test('driverTrouble() refuses better-sqlite3 13 on a Node.js that it would crash', () => {
  assert.equal(driverTrouble('12.11.1', 9), undefined);
  assert.equal(driverTrouble('13.2.0', 10), undefined);
  assert.match(driverTrouble('13.2.0', 9) ?? '', /Node-API 10/);
});
