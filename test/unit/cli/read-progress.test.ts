import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import type { Context } from '../../../src/cli/context.ts';
import { ReadProgress } from '../../../src/cli/read-progress.ts';
import { testContext } from '../../support/context.ts';

const folder = mkdtempSync(join(tmpdir(), 'pcapid-progress-'));
after(() => rmSync(folder, { recursive: true }));
const path = join(folder, 'x.pcap');
writeFileSync(path, Buffer.alloc(4096));

/** What is shown of a reading, told of `steps` after so many milliseconds. */
function shown(
  fields: Partial<Context>,
  paths: readonly string[],
  steps: readonly (readonly [ms: number, bytes: number, packets: number])[],
): string[] {
  const context = testContext({ errIsTerminal: true, ...fields });
  let nowMs = 0;
  const progress = new ReadProgress(context, paths, () => nowMs);
  for (const [ms, bytes, packets] of steps) {
    nowMs = ms;
    progress.onProgress(bytes, packets);
  }
  progress.end();
  return context.stderr().split('\r').slice(1);
}

describe('ReadProgress', () => {
  test('ReadProgress shows octets, packets a second and the time that is left, twice a second, and wipes it out', () => {
    const steps = [
      [100, 100, 1],
      [1000, 1024, 500],
      [1400, 1500, 600],
      [2000, 2048, 3000],
    ] as const;
    assert.deepEqual(shown({}, [path], steps), [
      '1.00 KiB of 4.00 KiB  500 packets  500 packets/s  3 s left\x1b[K',
      '2.00 KiB of 4.00 KiB  3000 packets  1500 packets/s  2 s left\x1b[K',
      '\x1b[K',
    ]);
  });

  test('ReadProgress has no end to tell while the input grows', () => {
    assert.deepEqual(shown({}, [], [[1000, 1024, 500]]), ['1.00 KiB  500 packets  500 packets/s\x1b[K', '\x1b[K']);
  });

  test('ReadProgress shows nothing where stderr is no terminal, and no more than the line has room for', () => {
    assert.deepEqual(shown({ errIsTerminal: false }, [path], [[1000, 1024, 500]]), []);
    assert.equal(shown({ columns: 20 }, [path], [[1000, 1024, 500]])[0], '1.00 KiB of 4.00 Ki\x1b[K');
  });
});
