import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { appendFileSync, copyFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { FileMarks } from '../../../../src/app/provenance/file-marks.ts';
import { storeFiles } from '../../../../src/app/read/store-file.ts';
import { InterfaceNumbers } from '../../../../src/pcap/interface-numbers.ts';
import { rowsOf, withFolder } from '../../../support/database.ts';

const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex');

test('FileMarks hashes what is there, and nothing that grows, changes or is missing', async () => {
  await withFolder(async (folder) => {
    const path = (name: string) => join(folder, name);
    for (const name of ['still', 'grows', 'changes', 'logged', 'logged-wal']) writeFileSync(path(name), name);
    const marks = new FileMarks([
      { use: 'input', path: path('still') },
      { use: 'input', path: path('grows'), isGrowing: true },
      { use: 'input', path: path('changes') },
      { use: 'facts', path: path('missing') },
      { use: 'owners', path: path('logged') },
      { use: 'input', path: folder },
    ]);
    appendFileSync(path('changes'), 'more');
    const notes = await marks.take();
    assert.deepEqual(
      notes.map(({ bytes, sha256 }) => [bytes, sha256]),
      [
        [5, hashOf('still')],
        [null, null],
        [7, null],
        [null, null],
        [6, null],
        [null, null],
      ],
    );
  });
});

const stop = new AbortController().signal;
const store = (database: string, path: string, force = false) =>
  storeFiles(
    {
      ...{ database, force, inputs: [{ path }], interfaces: new InterfaceNumbers(), facts: [] },
      ...{ follow: false, stop, decap: false, command: 'read it', version: '9', userName: () => null },
    },
    () => {},
  );

test('storeFiles() notes the input, and refuses its path and its octets a second time', async () => {
  await withFolder(async (folder) => {
    const [database, one, twin, other] = ['a.db', 'one.pcap', 'twin.pcap', 'other.pcap'].map((name) =>
      join(folder, name),
    );
    copyFileSync('captures/ethernet-tcp.pcap', one!);
    copyFileSync(one!, twin!);
    copyFileSync('captures/demo.pcap', other!);
    await store(database!, one!);
    await assert.rejects(store(database!, one!), { code: 'already-stored' });
    await assert.rejects(store(database!, twin!), { code: 'already-stored', message: /, as \S+one\.pcap$/ });
    await store(database!, other!);
    await store(database!, twin!, true);
    const rows = rowsOf(database!, 'SELECT use, path, sha256, command, version, capture FROM provenance ORDER BY id');
    assert.deepEqual(
      rows.map(({ use, path, capture }) => [use, path, capture]),
      [
        ['input', one, 1],
        ['input', other, 2],
        ['input', twin, 3],
      ],
    );
    assert.equal(rows[0]!.sha256, rows[2]!.sha256);
    assert.deepEqual([rows[0]!.command, rows[0]!.version], ['read it', '9']);
  });
});

test('storeFiles() makes no database for a file that is not there', async () => {
  await withFolder(async (folder) => {
    await assert.rejects(store(join(folder, 'a.db'), join(folder, 'none.pcap')), { code: 'no-such-file' });
    assert.deepEqual(readdirSync(folder), []);
  });
});
