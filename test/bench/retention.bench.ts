/**
 * For how long deleting what is too old, or too much, holds the storing up: a database of two days, `--flows N` (300,000)
 * flows and as many sockets, gets a tick of RATE=1000 new flows a second, and between two ticks the pieces of work that the
 * recorder does. In milliseconds, by the clock (busy neighbours are in it) and of CPU: the longest piece between two looks
 * at the clock, the longest call (a transaction of such pieces, or the checkpoint after it), and the longest tick.
 */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { PRUNE_BUDGET_MS, PRUNE_PAUSE_MS } from '../../src/app/record/prune-times.ts';
import type { Tick } from '../../src/core/tick.ts';
import { FlowStore } from '../../src/store/flow-store.ts';
import type { Keep } from '../../src/store/retention.ts';
import { openSqlite, type Sqlite } from '../../src/store/sqlite.ts';
import { OPTIONS, rowsOf } from '../support/database.ts';
import { INFO, NOON, processRow, tick } from '../support/ticks.ts';
import { fillFlows, fillRollups } from './fill-database.ts';
import { Longest } from './longest.ts';

const { values } = parseArgs({ options: { flows: { type: 'string' } } });
const FLOWS = Number(values.flows ?? 300_000);
const RATE = Number(process.env.RATE ?? 1000);
const PROCESSES = 2000;
const DAY_US = 86_400e6;
const SPAN_US = 2 * DAY_US;
const BAR_MS = 100;
const PIECES_A_SECOND = Math.floor(1000 / (2 * PRUNE_BUDGET_MS + PRUNE_PAUSE_MS));
const FOREVER: Keep = { flows: null, sockets: null, minute: null, hour: null, day: null, maxBytes: null };

const folder = mkdtempSync(join(tmpdir(), 'pcapid-retention-'));
try {
  console.log(
    '| kept | flows before | new | deleted | s | longest piece (CPU) | longest call (CPU) | longest tick (CPU) |',
  );
  console.log('|---|---|---|---|---|---|---|---|');
  const day = { flows: DAY_US, sockets: DAY_US, minute: DAY_US / 24, hour: DAY_US };
  measure('a day', () => ({ ...FOREVER, ...day }));
  measure('half the size', (path) => ({ ...FOREVER, maxBytes: statSync(path).size / 2 }));
  console.log(`\nms; bar: no call over ${BAR_MS} ms`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function measure(name: string, keepOf: (path: string) => Keep): void {
  const path = join(folder, 'old.db');
  fill(path);
  const keep = keepOf(path);
  const before = flowsOf(path);
  const store = FlowStore.open(path, OPTIONS);
  store.beginCapture({ ...INFO, startedUs: NOON });
  store.write(processes(NOON));
  const [piece, whole, write] = [new Longest(), new Longest(), new Longest()];
  let [second, hasMore] = [0, true];
  while (hasMore) {
    const one = news(++second);
    write.time(() => store.write(one));
    for (let n = 0; n < PIECES_A_SECOND && hasMore; n++) {
      whole.time(() => {
        hasMore = store.prune(keep, NOON + second * 1e6, () => piece.look(), PRUNE_BUDGET_MS);
      });
      piece.pause();
    }
  }
  store.close();
  const added = second * RATE;
  const cells = [name, before, added, before + added - flowsOf(path), second, piece, whole, write];
  console.log(`| ${cells.join(' | ')} |`);
  rmSync(path);
}

function fill(path: string): void {
  const store = FlowStore.open(path, OPTIONS);
  store.beginCapture({ ...INFO, startedUs: NOON - SPAN_US });
  store.write(processes(NOON - SPAN_US));
  store.close();
  const db = openSqlite(path, 'write');
  fillFlows(db, { flows: FLOWS, processes: PROCESSES, programs: 200, fromUs: NOON - SPAN_US, spanUs: SPAN_US });
  fillRollups(db);
  fillSockets(db);
  db.close();
}

/** The source of each flow, whose it was, and a second holder of every tenth. */
function fillSockets(db: Sqlite): void {
  db.exec(`BEGIN;
    INSERT INTO socket (id, boot, netns, protocol, local_address, local_port, remote_address, remote_port, cookie, inode,
      state, process, from_us, to_us) SELECT id, 1, 1, protocol, src_address, src_port, dst_address, dst_port, id, id, 1,
      src_process, first_us, last_us FROM flow;
    UPDATE flow SET src_socket = id;
    INSERT INTO holder (socket, process, role, from_us, to_us)
      SELECT id, src_process, 1, first_us, last_us FROM flow WHERE id % 10 = 0;
    COMMIT`);
}

function processes(atUs: number): Tick {
  const rows = Array.from({ length: PROCESSES }, (_, i) =>
    processRow(i + 1, { pid: i + 1000, exe: `/bin/${i % 200}` }),
  );
  return tick({
    processes: rows.map(({ row }) => ({ ...row, firstUs: atUs, lastUs: atUs })),
    programs: rows.map(({ program }) => program),
    atUs,
  });
}

function news(second: number): Tick {
  const flows = Array.from({ length: RATE }, (_, i) => {
    const serial = (second - 1) * RATE + i + 1;
    const firstUs = NOON + second * 1e6 + i;
    const tuple = `udp 10.0.0.1:${32_768 + (serial % 28_000)} > 12.0.${(serial >> 8) & 63}.${serial & 255}:53`;
    return { serial, tuple, firstUs, end: 'idle' as const };
  });
  const ends = flows.map(({ serial }) => {
    const process = 1 + (serial % PROCESSES);
    return { serial, side: 'src' as const, process, program: process, source: 'bpf', match: 'cookie' } as const;
  });
  return tick({ flows, ends, atUs: NOON + second * 1e6 });
}

function flowsOf(path: string): number {
  return Number(rowsOf(path, 'SELECT count(*) AS flows FROM flow')[0]!.flows);
}
