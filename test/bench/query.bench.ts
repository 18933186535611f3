/**
 * How long `pcapid usage`, `hosts`, `processes`, `who` and `flows` take over a large database: 10 million flows of 24 hours and 2,000 processes
 * of 200 programs (`--flows N` for fewer), beside `node -e 0` of the same rounds and the same question as SQL over flows.
 * `--database FILE` keeps the database for further runs.
 */
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { FlowStore } from '../../src/store/flow-store.ts';
import { openSqlite } from '../../src/store/sqlite.ts';
import { OPTIONS } from '../support/database.ts';
import { INFO, processRow, tick } from '../support/ticks.ts';
import { fillFlows, fillRollups } from './fill-database.ts';
import { measure, median } from './measure.ts';

const { values } = parseArgs({ options: { flows: { type: 'string' }, database: { type: 'string' } } });
const FLOWS = Number(values.flows ?? 10_000_000);
const ROUNDS = Number(process.env.ROUNDS ?? 7);
const PROCESSES = 2000;
const PROGRAMS = 200;
const DAY_US = 86_400e6;

const folder = mkdtempSync(join(tmpdir(), 'pcapid-bench-'));
try {
  const path = values.database === undefined ? join(folder, 'query.db') : resolve(values.database);
  if (!existsSync(path)) fill(path);
  compare(path, endOf(path));
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function fill(path: string): void {
  const endUs = Math.floor((Date.now() * 1000) / 60e6) * 60e6;
  const begunMs = performance.now();
  const store = FlowStore.open(path, OPTIONS);
  store.beginCapture({ ...INFO, startedUs: endUs - DAY_US });
  const rows = Array.from({ length: PROCESSES }, (_, i) =>
    processRow(i + 1, { pid: i + 1000, comm: `p${i}`, exe: `/usr/bin/program-${i % PROGRAMS}`, uid: i % 7 }),
  );
  store.write(
    tick({ processes: rows.map(({ row }) => row), programs: rows.map(({ program }) => program), atUs: endUs }),
  );
  store.close();
  const db = openSqlite(path, 'write');
  fillFlows(db, { flows: FLOWS, processes: PROCESSES, programs: PROGRAMS, fromUs: endUs - DAY_US, spanUs: DAY_US });
  fillRollups(db);
  db.close();
  const seconds = ((performance.now() - begunMs) / 1000).toFixed(0);
  console.log(`${FLOWS} flows, ${(statSync(path).size / 2 ** 20).toFixed(0)} MiB, made in ${seconds} s\n`);
}

/** The minute with which the flows end. */
function endOf(path: string): number {
  const db = openSqlite(path, 'read');
  const us = Number(db.prepare('SELECT max(first_us) FROM flow').pluck().get());
  db.close();
  return Math.round(us / 60e6) * 60e6;
}

/** Milliseconds above node -e 0, wall and CPU, medians of interleaved rounds after one that warms the page cache. */
function compare(path: string, endUs: number): void {
  const pcapid = (...args: string[]) => [process.execPath, 'dist/pcapid.cjs', ...args, '--db', path, '--format', 'csv'];
  const since = (us: number) => ['--since', `@${Math.floor((endUs - us) / 1e6)}`];
  const commands: Record<string, readonly string[]> = {
    'node -e 0': [process.execPath, '-e', '0'],
    'usage, last hour': pcapid('usage', ...since(3600e6)),
    'usage, last 24 h': pcapid('usage', ...since(DAY_US)),
    'usage --by port, last hour': pcapid('usage', '--by', 'port', ...since(3600e6)),
    'usage --by remote, last hour': pcapid('usage', '--by', 'remote', '--limit', '100', ...since(3600e6)),
    'usage --by hour, last 24 h': pcapid('usage', '--by', 'hour', ...since(DAY_US)),
    hosts: pcapid('hosts'),
    processes: pcapid('processes', '--tree'),
    'flows of a process': pcapid('flows', '--pid', '1234', '--limit', '100'),
    'who ADDRESS': pcapid('who', '11.0.1.5', '--limit', '5'),
    'who ADDRESS, never seen': pcapid('who', '192.0.2.1'),
    'who PORT': pcapid('who', '443', '--limit', '5'),
    'who PORT, never seen': pcapid('who', '12345'),
  };
  const times = Object.fromEntries(
    Object.keys(commands).map((name) => [name, { wall: [] as number[], cpu: [] as number[] }]),
  );
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [name, command] of Object.entries(commands)) {
      const { wallS, cpuS } = measure(command, name.endsWith('never seen') ? 1 : 0);
      if (round === 0) continue;
      times[name]!.wall.push(wallS * 1000);
      times[name]!.cpu.push(cpuS * 1000);
    }
  }
  const base = times['node -e 0']!;
  for (const [name, { wall, cpu }] of Object.entries(times)) {
    const above = (of: readonly number[], than: readonly number[]) =>
      (median(of) - median(than)).toFixed(0).padStart(6);
    console.log(`${name.padEnd(32)}${above(wall, base.wall)} ms wall${above(cpu, base.cpu)} ms CPU above node -e 0`);
  }
  for (const [name, us] of [
    ['last hour', 3600e6],
    ['last 24 h', DAY_US],
  ] as const) {
    const sql = `SELECT g.exe, sum(f.orig_ip_bytes + f.reply_ip_bytes) FROM flow f JOIN program g ON g.id = f.src_program
      WHERE f.first_us >= ${endUs - us} GROUP BY g.exe`;
    const code = `const D = require('better-sqlite3'); new D('${path}', { readonly: true }).prepare(\`${sql}\`).all()`;
    const { wallS } = measure([process.execPath, '-e', code]);
    console.log(
      `${`SQL over flows, ${name}`.padEnd(32)}${(wallS * 1000 - median(base.wall)).toFixed(0).padStart(6)} ms wall`,
    );
  }
}
