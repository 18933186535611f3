/**
 * What `pcapid record --sockets-only` costs: CPU of all its threads, memory, database, events lost; first while nothing
 * happens here, then with connections at a steady rate. The kernel tells of all sockets of the machine, so those of
 * others are in it: the rate that was seen stands in the table. Needs root and BPF.
 * DURATION=20 (seconds of each), RATE=5000 (connections a second), PROCESSES=8 (that make them), SOURCES=auto.
 */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startChild } from '../support/child.ts';
import { compileC } from '../support/compile.ts';
import { NetnsLab } from '../support/netns.ts';
import { AS_USUAL, startRecording } from '../support/recording.ts';
import { query, readCapture } from '../support/stored-flows.ts';
import { residentMiB, type Sample, sample } from './running.ts';

const SECONDS = Number(process.env.DURATION ?? 20);
const RATE = Number(process.env.RATE ?? 5000);
const PROCESSES = Number(process.env.PROCESSES ?? 8); // on a busy machine one alone does not get the time for it
const SOURCES = process.env.SOURCES ?? 'auto';
const WARM_MS = 10_000; // compiled by then
const BARS = { loaded: 35, idle: 0.3, residentMiB: 150, end: 2 };
const END_MS = 60_000; // what was measured is printed all the same

const share = (a: Sample, b: Sample): number => (b.cpuNs - a.cpuNs) / (b.atMs - a.atMs) / 1e4;

async function run(): Promise<void> {
  const lab = new NetnsLab();
  const folder = mkdtempSync(join(tmpdir(), 'pcapid-sockets-only-'));
  const load = compileC('short_sockets');
  if (load === undefined) throw new Error('no C compiler');
  try {
    const netns = lab.create();
    const database = join(folder, 'sockets.db');
    const options = { netns, database, env: AS_USUAL };
    const { child } = await startRecording(['-q', '--sockets-only', '--sources', SOURCES], options);
    await sleep(WARM_MS);
    const idle = sample(child.pid);
    await sleep(SECONDS * 1000);
    const begun = sample(child.pid);
    const words = ['tcp', RATE * SECONDS, RATE, PROCESSES].map(String);
    const { code, err } = await startChild(netns.command(load, ...words)).done;
    if (code !== 0) throw new Error(err);
    const ended = sample(child.pid);
    await sleep(WARM_MS); // what is stored is stored
    const most = residentMiB(child.pid, 'VmHWM');
    const stoppedMs = performance.now();
    const recorder = await child.stop('SIGINT', END_MS);
    if (recorder.code !== 0) throw new Error(recorder.err);
    const endSeconds = (performance.now() - stoppedMs) / 1000;
    const seconds = (ended.atMs - begun.atMs) / 1000;
    const count = (where: string): number =>
      Number(query(database, `SELECT count(*) AS sockets FROM socket WHERE ${where}`)[0]!.sockets);
    const sockets = count('1');
    const meanwhile = count(`from_us BETWEEN ${begun.wallUs} AND ${ended.wallUs}`);
    const { facts_lost } = readCapture(database);
    const rows: readonly (readonly [string, string, string])[] = [
      ['CPU, idle', `${share(idle, begun).toFixed(2)} % of a core`, `${BARS.idle}`],
      [
        `CPU, ${Math.round((RATE * SECONDS) / seconds)} connections a second`,
        `${share(begun, ended).toFixed(1)} % of a core`,
        `${BARS.loaded}`,
      ],
      [
        `CPU, for each of the ${meanwhile} sockets meanwhile`,
        `${((ended.cpuNs - begun.cpuNs) / meanwhile / 1e3).toFixed(1)} µs`,
        '35',
      ],
      ['resident at most', `${most.toFixed(0)} MiB`, `${BARS.residentMiB}`],
      ['end after SIGINT', `${endSeconds.toFixed(1)} s`, `${BARS.end}`],
      ['events lost', `${facts_lost}`, '0'],
      ['sockets stored, of all this machine', `${sockets}`, `at least ${2 * RATE * SECONDS}`],
      ['database for a million sockets', `${(statSync(database).size / sockets).toFixed(0)} MB`, ''],
      ['births a second meanwhile', `${((ended.births - begun.births) / seconds).toFixed(0)}`, ''],
    ];
    console.log(
      `Node ${process.version}, sources ${SOURCES}, ${SECONDS} s each\n\n| | measured | bar |\n|---|---|---|`,
    );
    for (const cells of rows) console.log(`| ${cells.join(' | ')} |`);
  } finally {
    lab.close();
    rmSync(folder, { recursive: true });
  }
}

void run();
