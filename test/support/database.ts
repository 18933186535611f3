/** Databases in a folder of their own under os.tmpdir(). */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CaptureInfo, Tick } from '../../src/core/tick.ts';
import { FlowStore, type FlowStoreOptions } from '../../src/store/flow-store.ts';
import { openSqlite, type SqlValue } from '../../src/store/sqlite.ts';
import { INFO, NOON, SECOND } from './ticks.ts';

export const OPTIONS: FlowStoreOptions = {
  self: { bootId: INFO.bootId, pid: 4000, startTicks: 777 },
  isAlive: () => false,
  nowUs: NOON,
  rights: { uid: process.getuid!(), sudo: null },
};

/** Runs `work` with a folder that is removed afterwards; of a promise, when it has settled. */
export function withFolder<T>(work: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'pcapid-store-'));
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  let isLeft = false;
  try {
    const done = work(folder);
    isLeft = done instanceof Promise;
    return isLeft ? ((done as Promise<unknown>).finally(remove) as T) : done;
  } finally {
    if (!isLeft) remove();
  }
}

/** Runs `work` with the path of a database that recorded these ticks and was closed. */
export function withDatabase<T>(ticks: readonly Tick[], work: (path: string) => T, info: CaptureInfo = INFO): T {
  return withFolder((folder) => {
    const path = join(folder, 'test.db');
    const store = FlowStore.open(path, OPTIONS);
    store.beginCapture(info);
    for (const one of ticks) store.write(one);
    store.endCapture(NOON + SECOND);
    store.close();
    return work(path);
  });
}

/** All rows of a query on the file itself, past the code under test. */
export function rowsOf(path: string, sql: string, ...params: SqlValue[]): Record<string, unknown>[] {
  const db = openSqlite(path, 'read');
  try {
    return db.prepare(sql).all(...params) as Record<string, unknown>[];
  } finally {
    db.close();
  }
}
