import assert from 'node:assert/strict';
import {
  closeSync,
  copyFileSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Command } from 'commander';
import { db } from '../../../../src/cli/commands/db.ts';
import { Reader } from '../../../../src/store/reader.ts';
import { openSqlite } from '../../../../src/store/sqlite.ts';
import { testContext } from '../../../support/context.ts';
import { rowsOf, withDatabase, withFolder } from '../../../support/database.ts';
import { tick } from '../../../support/ticks.ts';

const TICK = tick({ flows: [{ serial: 1, tuple: 'tcp 10.0.0.1:1 > 10.0.0.2:2' }] });

async function run(path: string, ...words: string[]) {
  const context = testContext();
  const program = new Command('pcapid').exitOverride().configureOutput({ writeOut: context.out });
  program.addCommand(db(context).copyInheritedSettings(program));
  await program.parseAsync(['db', ...words, '--db', path], { from: 'user' });
  return context;
}

/** As withDatabase(), which removes its folder before a promise is kept. */
async function inFolder(work: (path: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'pcapid-db-'));
  try {
    const path = join(folder, 'test.db');
    withDatabase([TICK], (made) => copyFileSync(made, path));
    await work(path);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

test('db backup says that what it copied is damaged, and copies what is sound', async () => {
  await inFolder(async (path) => {
    const sound = join(path, '..', 'sound.db');
    assert.match((await run(path, 'backup', sound)).stderr(), /sound\.db: \d+ KiB\n$/);
    assert.equal((await run(sound, 'sql', 'SELECT id FROM flow')).stdout(), 'ID\n1\n');
    const [root] = rowsOf(
      path,
      "SELECT (rootpage - 1) * (SELECT page_size FROM pragma_page_size) AS at FROM sqlite_schema WHERE name = 'flow'",
    );
    const file = openSync(path, 'r+');
    writeSync(file, Buffer.alloc(200, 0xff), 0, 200, Number(root?.at));
    closeSync(file);
    await assert.rejects(run(path, 'backup', join(path, '..', 'copy.db')), {
      code: 'damaged-database',
      message: /test\.db is damaged, and so is its copy/,
    });
  });
});

test('every subcommand of db shows examples', () => {
  for (const command of db(testContext()).commands) {
    const parts: string[] = [];
    command.configureOutput({ writeOut: (part) => parts.push(part) }).outputHelp();
    assert.match(parts.join(''), new RegExp(`\\nExamples:\\n  pcapid db ${command.name()}`), command.name());
  }
});

test('db says what to do in words of this program: one is no plural, a DELETE answers nothing', async () => {
  await inFolder(async (path) => {
    assert.match((await run(path, 'info')).stdout(), /^holds +1 flow, \d+ /m);
    const refused = { code: 'bad-sql', message: /this statement answers nothing/ };
    await assert.rejects(run(path, 'sql', 'DELETE FROM flow'), refused);
  });
});

test('db upgrade brings a database of the first release up to date, which a reader refuses and says so', () => {
  withFolder((folder) => {
    const path = join(folder, 'v1.db');
    writeFileSync(path, '');
    const old = openSqlite(path, 'write');
    old.exec(readFileSync('test/fixtures/db/v1.sql', 'utf8'));
    old.close();
    assert.throws(() => Reader.open(path), { code: 'older-schema', hint: /`pcapid db upgrade --db .*v1\.db`/ });
    const context = testContext();
    new Command('pcapid').addCommand(db(context)).parse(['db', 'upgrade', '--db', path], { from: 'user' });
    assert.match(context.stderr(), /v1\.db: ready to be read\n$/);
    assert.deepEqual(rowsOf(path, 'SELECT count(*) AS flows FROM flow_record'), [{ flows: 5 }]);
  });
});
