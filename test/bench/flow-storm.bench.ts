/**
 * New UDP flows at a rate, each of a socket of its own, on lo: what `pcapid record` stores of them, its memory, and the
 * longest time for which its main thread answered nobody. Needs root. FLOWS=300000, RATE=5000 (a second), ADDRESSES=256 (1:
 * the same tuples come again), SOURCES=auto, TRACE=1 (what the recorder says, and its memory each second).
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compileC } from '../support/compile.ts';
import { NetnsLab } from '../support/netns.ts';
import { startRecording } from '../support/recording.ts';
import { query } from '../support/stored-flows.ts';

const FLOWS = Number(process.env.FLOWS ?? 300_000);
const RATE = Number(process.env.RATE ?? 5000);
const ADDRESSES = Number(process.env.ADDRESSES ?? 256);
const SOURCES = process.env.SOURCES ?? 'auto';

function memoryMiB(pid: number, name: 'VmRSS' | 'VmHWM'): number {
  const kib = new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Math.round(Number(kib) / 1024);
}

/** @returns flows sent, datagrams that arrived, seconds */
function storm(command: readonly string[]): Promise<readonly number[]> {
  const [program, ...words] = command;
  const child = spawn(program!, words, { stdio: ['ignore', 'pipe', 'inherit'] });
  let out = '';
  child.stdout.on('data', (text) => {
    out += text;
  });
  return new Promise((resolve) => child.on('close', () => resolve(out.trim().split(' ').map(Number))));
}

async function run(): Promise<void> {
  const program = compileC('flow_storm');
  if (program === undefined) throw new Error('no C compiler');
  const lab = new NetnsLab();
  const folder = mkdtempSync(join(tmpdir(), 'pcapid-storm-'));
  try {
    const netns = lab.create();
    const database = join(folder, 'storm.db');
    const { child } = await startRecording(['-q', '--sources', SOURCES], {
      ...{ netns, database },
      env: { PCAPID_LOOP_DELAY: '1' },
    });
    const before = memoryMiB(child.pid, 'VmRSS');
    const trace: number[] = [];
    const timer = setInterval(() => trace.push(memoryMiB(child.pid, 'VmRSS')), 1000);
    const [sent, arrived, seconds] = await storm(
      netns.command(program, String(FLOWS), String(RATE), String(ADDRESSES)),
    );
    clearInterval(timer);
    const peak = memoryMiB(child.pid, 'VmHWM');
    const { out, err } = await child.stop('SIGINT', 60_000);
    const busyMs = /busy for ([\d.]+) ms/.exec(err)?.[1];
    if (process.env.TRACE) console.log(`${trace.join(' ')}\n${out}${err}`);
    const [row] = query(
      database,
      `SELECT (SELECT count(*) FROM flow WHERE protocol = 17) AS stored,
        (SELECT count(*) FROM flow WHERE protocol = 17 AND src_process IS NOT NULL AND dst_process IS NOT NULL) AS named,
        kernel_drops, facts_lost, flows_evicted FROM capture`,
    );
    const cells = [
      sent,
      arrived,
      seconds,
      row?.stored,
      row?.named,
      row?.kernel_drops,
      row?.facts_lost,
      busyMs,
      before,
      peak,
    ];
    console.log(`Node ${process.version}, ${RATE} new flows a second, sources ${SOURCES}\n`);
    console.log(
      '| sent | arrived | s | stored | both ends named | kernel drops | facts lost | main busy ms | MiB before | peak MiB |',
    );
    console.log('|---|---|---|---|---|---|---|---|---|---|');
    console.log(`| ${cells.join(' | ')} |`);
  } finally {
    lab.close();
    rmSync(folder, { recursive: true });
  }
}

void run();
