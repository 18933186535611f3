/** What `split` prints of its files, and what it refuses. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { runProgram } from '../../../src/cli/program.ts';
import { testContext } from '../../support/context.ts';

const folder = mkdtempSync(join(tmpdir(), 'pcapid-split-cli-'));
after(() => rmSync(folder, { recursive: true }));

async function split(...args: string[]) {
  const context = testContext();
  const code = await runProgram(['split', ...args], context);
  return { out: context.stdout(), err: context.stderr(), code: code ?? context.exitCode };
}

const DEMO = ['captures/demo.pcap', '--facts', 'captures/demo.facts.ndjson'];

test('split lists its files, and says why packets have no owner', async () => {
  const { out, err, code } = await split(...DEMO, '--dir', join(folder, 'a'));
  assert.equal(code, 0);
  assert.match(out, /^PROCESS +FLOWS +PACKETS +BYTES +FILE\ncurl +2 +340 +379 KiB +\S+\/a\/curl\.pcapng\n/);
  assert.match(out, /\n\(unknown\) +6 +79 .*unknown\.pcapng\n$/);
  assert.match(
    err,
    /^925 packets by process, 79 of them without an owner\n {2}of these: 67 closed-before-scan; 8 kernel; /,
  );
  assert.match(err, /\nsha256 [0-9a-f]{64} {2}captures\/demo\.pcap\n$/);
});

test('split gives machines a record for each file', async () => {
  const { out } = await split(...DEMO, '--by', 'pid', '--dir', join(folder, 'b'), '--format', 'ndjson');
  const rows = out
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
  assert.deepEqual(Object.keys(rows[0]), ['owner', 'flows', 'packets', 'bytes', 'file', 'sha256']);
  assert.deepEqual([rows[0].owner, rows[0].packets, rows.at(-1).owner], ['curl[29]', 268, null]);
});

test('split of a file without owners says how to get some', async () => {
  const { out, err } = await split('captures/demo.pcap', '--dir', join(folder, 'c'));
  assert.match(out, /\(unknown\) +15 +925 /);
  assert.match(err, /names no processes: add --owners DB/);
});

for (const [words, message] of [
  [['captures/demo.pcap'], /required option '--dir <folder>'/],
  [['captures/demo.pcap', '--by', 'name', '--dir', 'x'], /Allowed choices are process, pid, user, unit, container/],
  [['-', '--dir', 'x'], /standard input is no regular file/],
  [['captures/none.pcap', '--dir', 'x'], /no such file/],
  [['README.md', '--dir', 'x'], /is not a capture file/],
  [['captures/demo.pcap', '--dir', 'x', '--columns', 'y'], /there is no column 'y'/],
] as const) {
  test(`split ${words.join(' ')} says what is wrong, and makes no folder`, async () => {
    const { out, err, code } = await split(...words);
    assert.deepEqual([out, code], ['', 2]);
    assert.match(err, message);
    assert.ok(!existsSync('x'));
  });
}
