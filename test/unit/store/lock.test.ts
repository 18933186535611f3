import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { writeSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { UserError } from '../../../src/core/errors.ts';
import { FlowStore } from '../../../src/store/flow-store.ts';
import { OPTIONS, rowsOf, withFolder } from '../../support/database.ts';
import { INFO, NOON, SECOND, tick } from '../../support/ticks.ts';

const TUPLE = 'tcp 10.0.0.5:43210 > 93.184.216.34:443';
const OTHER = { ...OPTIONS, self: { ...OPTIONS.self, pid: 4001, startTicks: 888 } };

/** Body of the child that is killed: this file again, with the path of a database in the environment. */
const victimPath = process.env.PCAPID_TEST_VICTIM;
if (victimPath !== undefined) recordUntilKilled(victimPath);
else {
  test('open() refuses a second recorder while the first lives, and names its pid', () => {
    withFolder((folder) => {
      const path = join(folder, 'a.db');
      const store = FlowStore.open(path, OPTIONS);
      const asked: number[][] = [];
      const isAlive = (pid: number, ticks: number) => asked.push([pid, ticks]) > 0;
      assert.throws(
        () => FlowStore.open(path, { ...OTHER, isAlive }),
        (error) => error instanceof UserError && error.code === 'recorder-running' && /4000/.test(error.message),
      );
      assert.deepEqual(asked, [[4000, 777]]);
      store.beginCapture(INFO);
      store.close();
    });
  });

  test('open() does not ask for a process of another boot: it is dead', () => {
    withFolder((folder) => {
      const path = join(folder, 'a.db');
      FlowStore.open(path, OPTIONS);
      const self = { ...OTHER.self, bootId: 'another boot' };
      FlowStore.open(path, { ...OTHER, self, isAlive: () => assert.fail('asked') }).close();
    });
  });

  test('open() takes the lock of a dead recorder over and closes its capture and flows as forced', () => {
    withFolder((folder) => {
      const path = join(folder, 'a.db');
      const dead = FlowStore.open(path, OPTIONS);
      dead.beginCapture(INFO);
      const flows = [
        { serial: 1, tuple: TUPLE, orig: [5, 500, 430] },
        { serial: 2, tuple: TUPLE, end: 'idle' },
      ] as const;
      dead.write(tick({ flows, atUs: NOON + 7 }));
      FlowStore.open(path, OTHER).close();
      assert.deepEqual(rowsOf(path, 'SELECT end_reason, orig_packets FROM flow_record ORDER BY flow_id'), [
        { end_reason: 'forced', orig_packets: 5 },
        { end_reason: 'idle', orig_packets: 1 },
      ]);
      assert.deepEqual(rowsOf(path, 'SELECT forced, ended_us FROM capture'), [{ forced: 1, ended_us: NOON + 7 }]);
      assert.throws(() => dead.write(tick()), { code: 'lock-lost' });
    });
  });

  test('a recorder killed inside a transaction leaves a sound file with every finished tick and nothing of the last', async () => {
    await withFolderAsync(async (folder) => {
      const path = join(folder, 'killed.db');
      await killInside(path);
      const db = FlowStore.open(path, OTHER);
      db.close();
      assert.deepEqual(rowsOf(path, 'PRAGMA integrity_check'), [{ integrity_check: 'ok' }]);
      assert.deepEqual(rowsOf(path, 'SELECT flow_id, end_reason FROM flow_record'), [
        { flow_id: 1, end_reason: 'forced' },
      ]);
      assert.deepEqual(rowsOf(path, 'SELECT forced FROM capture'), [{ forced: 1 }]);
    });
  });
}

function recordUntilKilled(path: string): void {
  const store = FlowStore.open(path, OPTIONS);
  store.beginCapture(INFO);
  store.write(tick({ flows: [{ serial: 1, tuple: TUPLE }] }));
  const flows = Array.from({ length: 3000 }, (_, i) => ({
    serial: i + 2,
    tuple: `udp 10.0.0.1:1 > 10.9.${i >> 8}.${i & 255}:1`,
  }));
  store.write({
    ...tick({ flows, atUs: NOON + SECOND }),
    get interfaces(): never {
      writeSync(1, 'inside\n'); // the flows are written, COMMIT is not
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 30_000);
      throw new Error('nobody killed me');
    },
  });
}

async function killInside(path: string): Promise<void> {
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const child = spawn(process.execPath, [__filename], {
    env: { ...env, PCAPID_TEST_VICTIM: path },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  child.stdout.once('data', () => child.kill('SIGKILL'));
  const signal = await new Promise((resolve) => child.once('exit', (_code, by) => resolve(by)));
  assert.equal(signal, 'SIGKILL');
}

async function withFolderAsync(work: (folder: string) => Promise<void>): Promise<void> {
  const { mkdtemp, rm } = await import('node:fs/promises');
  const { tmpdir } = await import('node:os');
  const folder = await mkdtemp(join(tmpdir(), 'pcapid-store-'));
  try {
    await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
