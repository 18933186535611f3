import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileLines } from '../../../src/cli/file-words.ts';
import { FlowStore } from '../../../src/store/flow-store.ts';
import { Reader } from '../../../src/store/reader.ts';
import { OPTIONS, withFolder } from '../../support/database.ts';
import { NOON } from '../../support/ticks.ts';

test('fileLines() says which files are not there any more, the latest first', () => {
  withFolder((folder) => {
    const path = join(folder, 'a.db');
    const store = FlowStore.open(path, OPTIONS);
    const files = ['/old.pcapng', '/new.pcapng'].map((one) => ({
      ...{ use: 'output' as const, path: one, bytes: 2048, sha256: null },
    }));
    store.noteFiles({ atUs: NOON, command: 'record -W 1', version: '0', files });
    store.close();
    const reader = Reader.open(path);
    const lines = fileLines(reader, (one) => one !== '/old.pcapng');
    reader.close();
    assert.deepEqual(
      lines.filter((line) => line.startsWith('output')),
      ['output      /new.pcapng, 2.00 KiB, no hash', 'output      /old.pcapng (not there any more), 2.00 KiB, no hash'],
    );
  });
});
