import assert from 'node:assert/strict';
import { mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { resolveDatabaseToRead, resolveDatabaseToWrite } from '../../../src/cli/database-path.ts';
import { processContext } from '../../../src/cli/process-context.ts';

function failing(code: string): (fd: number) => number {
  return () => {
    throw Object.assign(new Error(code), { code });
  };
}

test('out() writes what a descriptor takes in pieces, and waits while it takes none', () => {
  const taken: string[] = [];
  let calls = 0;
  const { out } = processContext((_, octets) => {
    if (++calls === 2) return failing('EAGAIN')(1);
    taken.push(Buffer.from(octets.subarray(0, 3)).toString());
    return Math.min(3, octets.length);
  });
  out('abcdefg');
  assert.deepEqual(taken, ['abc', 'def', 'g']);
});

test('out() says that a disk is full in a sentence', () => {
  const { out } = processContext(failing('ENOSPC'));
  assert.throws(() => out('x'), { code: 'output', message: 'standard output cannot be written (ENOSPC)' });
});

test('err() is silent where nobody can be told', () => {
  for (const code of ['ENOSPC', 'EBADF', 'EIO']) processContext(failing(code)).err('x');
});

test('in a folder that was deleted nothing is found, nothing is recorded, and absolute paths are used as ever', () => {
  const before = process.cwd();
  const gone = mkdtempSync(join(tmpdir(), 'pcapid-gone-'));
  process.chdir(gone);
  try {
    rmdirSync(gone);
    const context = { ...processContext(), env: {} };
    assert.equal(context.cwd, `${gone} (deleted)`);
    assert.throws(() => resolveDatabaseToRead(context, 'x.db'), { message: /\(deleted\)\/x\.db$/ });
    assert.equal(resolveDatabaseToRead(context, process.execPath), process.execPath);
    assert.throws(() => resolveDatabaseToWrite(context), { code: 'no-such-folder' });
  } finally {
    process.chdir(before);
  }
});
