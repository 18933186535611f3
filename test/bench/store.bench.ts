/**
 * Flows a second that the store writes, in CPU time, beside a C program with the same schema and indexes that writes the
 * same flows, ends and counters; and octets of a flow. `--flows N`.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { FlowStore } from '../../src/store/flow-store.ts';
import { OPTIONS, rowsOf } from '../support/database.ts';
import { type EndLiteral, INFO, NOON, processRow, tick } from '../support/ticks.ts';
import { median } from './measure.ts';

const words = process.argv.slice(2);
const FLOWS = words[0] === '--flows' ? Number(words[1]) : 200_000;
const ROUNDS = Number(process.env.ROUNDS ?? 3);
const TICK = 1000; // flows
const PROCESSES = 2000;
const SQLITE = 'node_modules/better-sqlite3/deps/sqlite3';

const folder = mkdtempSync(join(tmpdir(), 'pcapid-bench-'));
try {
  const program = compile();
  const [ours, theirs]: [number[], number[]] = [[], []];
  for (let round = 0; round < ROUNDS; round++) {
    ours.push(writeByStore(join(folder, `ours-${round}.db`)));
    const path = join(folder, `c-${round}.db`);
    begin(path).close();
    theirs.push(Number(run(program, [path, String(FLOWS), String(TICK)])));
    compare(join(folder, `ours-${round}.db`), path);
  }
  const perSecond = (seconds: readonly number[]) => FLOWS / median(seconds);
  console.log(`pcapid   ${perSecond(ours).toFixed(0).padStart(8)} flows/s of CPU`);
  console.log(`C        ${perSecond(theirs).toFixed(0).padStart(8)} flows/s of CPU, the same rows in the same tables`);
  console.log(`ratio    ${(perSecond(ours) / perSecond(theirs)).toFixed(2).padStart(8)}\n`);
  sizes(join(folder, 'ours-0.db'));
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function begin(path: string): FlowStore {
  const store = FlowStore.open(path, OPTIONS);
  store.beginCapture(INFO);
  const rows = Array.from({ length: PROCESSES }, (_, i) =>
    processRow(i + 1, { pid: i + 1, exe: `/bin/${i % 200}-${i}` }),
  );
  store.write(tick({ processes: rows.map(({ row }) => row), programs: rows.map(({ program }) => program) }));
  return store;
}

/** @returns CPU seconds of write() alone: ticks are made before */
function writeByStore(path: string): number {
  const store = begin(path);
  let seconds = 0;
  for (let from = 1; from <= FLOWS; from += TICK) {
    const flows = Array.from({ length: TICK }, (_, k) => flowOf(from + k));
    const ends = flows.flatMap(({ serial }): EndLiteral[] => [
      {
        serial,
        side: 'src',
        process: 1 + (serial % PROCESSES),
        program: 1 + (serial % PROCESSES),
        source: 'bpf',
        match: 'cookie',
        holders: 1,
        netns: INFO.netns,
      },
      { serial, side: 'dst', reason: 'not-local' },
    ]);
    const one = tick({ flows, ends, atUs: flows.at(-1)!.firstUs });
    const before = process.cpuUsage();
    store.write(one);
    const { user, system } = process.cpuUsage(before);
    seconds += (user + system) / 1e6;
  }
  store.close();
  return seconds;
}

function flowOf(serial: number) {
  const remote = (serial * 7919) % 20_000;
  const firstUs = NOON + serial * 1000;
  return {
    serial,
    tuple: `tcp 10.0.0.1:${32_768 + (serial % 28_000)} > 11.0.${remote >> 8}.${remote & 255}:443`,
    ...{ firstUs, lastUs: firstUs + 900, end: 'end-of-flow' as const, ifindex: 2 },
    ...{ orig: [10, 1500, 1360] as const, reply: [12, 9000, 8800] as const },
  };
}

/** A comparison of programs that write different rows says nothing. */
function compare(ours: string, theirs: string): void {
  const traffic = ['traffic_minute', 'traffic_hour', 'traffic_day', 'program_minute', 'program_hour', 'program_day'];
  const sums = [
    'SELECT count(*) AS count, sum(orig_bytes + src_process + dst_reason) AS sum FROM flow',
    ...traffic.map((table) => `SELECT count(*), sum(rx_bytes * flows + program) FROM ${table}`),
  ];
  assert.deepEqual(rowsOf(theirs, sums.join(' UNION ALL ')), rowsOf(ours, sums.join(' UNION ALL ')));
}

function sizes(path: string): void {
  const sql = `SELECT coalesce(s.tbl_name, d.name) AS name, sum(d.pgsize) AS bytes FROM dbstat d
    LEFT JOIN sqlite_schema s ON s.name = d.name WHERE d.aggregate = TRUE GROUP BY 1 HAVING bytes > 100000 ORDER BY 2 DESC`;
  for (const { name, bytes } of rowsOf(path, sql)) {
    console.log(
      `${String(name).padEnd(20)}${(Number(bytes) / FLOWS).toFixed(1).padStart(8)} octets a flow, indexes too`,
    );
  }
}

function compile(): string {
  const object = resolve('build', 'bench', 'sqlite3.o');
  const flags = ['-O2', '-DSQLITE_THREADSAFE=2', '-DSQLITE_DEFAULT_MEMSTATUS=0', '-DSQLITE_ENABLE_STAT4'];
  if (!existsSync(object)) run('cc', [...flags, '-c', `${SQLITE}/sqlite3.c`, '-o', object]);
  const program = join(folder, 'store-rows');
  run('cc', [
    '-O2',
    '-Wall',
    `-I${SQLITE}`,
    'test/bench/store-rows.c',
    object,
    '-o',
    program,
    '-lm',
    '-lpthread',
    '-ldl',
  ]);
  return program;
}

function run(command: string, args: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8' });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(stderr);
  return stdout;
}
