/** `pcapid record` as a child process with a database of its own, and what it says while it runs. */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSqlite } from '../../src/store/sqlite.ts';
import type { Child, Finished } from './child.ts';
import { type RunOptions, startPcapid } from './run-pcapid.ts';
import { waitFor } from './wait.ts';

/** To start takes a second of CPU, most of it for Node.js in six threads: ten seconds beside twenty busy processes. */
const TICK_DEADLINE_MS = 30_000;

export interface Recording {
  readonly child: Child;
  readonly database: string;
  /** Settles when a tick that began after this call is stored. */
  nextTick(): Promise<void>;
  /** SIGINT, and waits until everything is stored; throws with standard error when it did not end well. */
  stop(): Promise<Finished>;
}

/** A path for a database in a folder that goes away with the test's process. */
export function temporaryDatabase(mode = 0o700): string {
  const folder = mkdtempSync(join(tmpdir(), 'pcapid-live-'));
  chmodSync(folder, mode);
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  return join(folder, 'test.db');
}

/** So that a test that waits for the next tick of a silent namespace has it within a second. */
const EVERY_TICK = { PCAPID_EVERY_TICK: '1' };
/** For benchmarks: a recording as people have it. */
export const AS_USUAL = { PCAPID_EVERY_TICK: '' };

/** Starts a recording; it captures and looks for owners when this returns. */
export async function startRecording(
  args: readonly string[],
  options: RunOptions & { readonly database?: string } = {},
): Promise<Recording> {
  const { database = temporaryDatabase(), env, ...rest } = options;
  const child = startPcapid(['record', '--db', database, ...args], { ...rest, env: { ...EVERY_TICK, ...env } });
  const startedUs = Date.now() * 1000;
  let ended = false;
  void child.done.then(() => {
    ended = true;
  });
  const tickAfter = async (afterUs: number): Promise<void> => {
    await waitFor(() => ended || storedTickUs(database) > afterUs, TICK_DEADLINE_MS, 'a tick in the database');
    if (ended) throw new Error(`pcapid record ended early\n${child.err()}`);
  };
  await tickAfter(startedUs);
  return {
    child,
    database,
    // A tick may have begun before the call and be stored after it: the second one is surely later.
    nextTick: async () => {
      await tickAfter(Date.now() * 1000);
      await tickAfter(storedTickUs(database));
    },
    stop: async () => {
      const finished = await child.stop('SIGINT');
      if (finished.code !== 0) throw new Error(`pcapid record ended with ${finished.code}\n${finished.err}`);
      return finished;
    },
  };
}

/** Time of the last tick of the latest capture; -Infinity: none yet. Packets are counted only when a tick was written. */
function storedTickUs(database: string): number {
  try {
    const db = openSqlite(database, 'read');
    try {
      const sql = 'SELECT last_us FROM capture WHERE packets IS NOT NULL ORDER BY id DESC';
      return Number(db.prepare(sql).pluck().get() ?? -Infinity);
    } finally {
      db.close();
    }
  } catch {
    return -Infinity; // not made yet
  }
}
