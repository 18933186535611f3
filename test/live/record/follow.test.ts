/** --follow beside a writer of the database: no packets and no rights are needed. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { FlowStore } from '../../../src/store/flow-store.ts';
import { killChildren } from '../../support/child.ts';
import { OPTIONS } from '../../support/database.ts';
import { PROGRAM, startPcapid } from '../../support/run-pcapid.ts';
import { INFO, NOON, SECOND, tick } from '../../support/ticks.ts';
import { waitFor } from '../../support/wait.ts';

const udp = (serial: number, port: number) => ({ serial, tuple: `udp 10.0.0.5:${port} > 10.0.0.${serial}:53` });

describe('--follow', () => {
  let folder = '';
  let path = '';
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'pcapid-follow-'));
    path = join(folder, 'a.db');
    record(udp(1, 1111), udp(2, 2222));
  });
  after(() => {
    killChildren();
    rmSync(folder, { recursive: true });
  });

  /** A whole recording, from its start to its clean end. */
  function record(...flows: readonly ReturnType<typeof udp>[]): void {
    const store = FlowStore.open(path, OPTIONS);
    store.beginCapture(INFO);
    store.write(tick({ flows }));
    store.endCapture(NOON + SECOND);
    store.close();
  }

  test('prints the latest rows, then those of recordings that come and go, each once, and ends with 0 on Ctrl-C', async () => {
    const child = startPcapid(['flows', '--follow', '--db', path, '--columns', 'src_port', '--limit', '1']);
    await waitFor(() => /2222/.test(child.out()), 10_000, 'the latest flow');
    record(udp(3, 3333));
    await waitFor(() => /3333/.test(child.out()), 10_000, 'the first new flow');
    record(udp(4, 4444));
    await waitFor(() => /4444/.test(child.out()), 10_000, 'the second new flow');
    const { code, out, err } = await child.stop('SIGINT');
    assert.deepEqual([code, out, err], [0, 'SRC_PORT\n    2222\n    3333\n    4444\n', '']);
    assert.ok(!existsSync(`${path}-wal`), 'a recording ended cleanly in spite of the reader');
  });

  test('ends with 0 when nobody reads its output any more', async () => {
    const child = spawn(process.execPath, [PROGRAM, 'flows', '--follow', '--db', path, '--format', 'ndjson']);
    const late = setTimeout(() => child.kill('SIGKILL'), 20_000);
    const ended = once(child, 'exit');
    await once(child.stdout, 'data');
    child.stdout.destroy();
    record(udp(5, 5555));
    assert.deepEqual(await ended, [0, null]);
    clearTimeout(late);
  });
});
