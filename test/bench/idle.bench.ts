/**
 * What `pcapid record` costs while nothing happens: CPU of all its threads and resident memory, in a namespace without
 * traffic. The BPF programs see every process of the machine all the same, so the births meanwhile are printed beside it.
 * Needs root. DURATION=60 (seconds), SOURCES=auto.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { NetnsLab } from '../support/netns.ts';
import { startRecording } from '../support/recording.ts';

const SECONDS = Number(process.env.DURATION ?? 60);
const SOURCES = process.env.SOURCES ?? 'auto';
const WARM_MS = 15_000; // compiled by then

interface Sample {
  readonly cpuNs: number; // of all threads
  readonly births: number; // of the machine, since it started
  readonly atMs: number;
}

function sample(pid: number): Sample {
  const ran = (thread: string): number =>
    Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]);
  const cpuNs = readdirSync(`/proc/${pid}/task`).reduce((sum, thread) => sum + ran(thread), 0);
  const births = Number(/^processes (\d+)/m.exec(readFileSync('/proc/stat', 'utf8'))?.[1]);
  return { cpuNs, births, atMs: performance.now() };
}

function residentMiB(pid: number, name: 'VmRSS' | 'VmHWM'): string {
  const kib = new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return (Number(kib) / 1024).toFixed(0);
}

async function run(): Promise<void> {
  const lab = new NetnsLab();
  const folder = mkdtempSync(join(tmpdir(), 'pcapid-idle-'));
  try {
    const options = { netns: lab.create(), database: join(folder, 'idle.db') };
    const { child, stop } = await startRecording(['-q', '--sources', SOURCES], options);
    await sleep(WARM_MS);
    const before = sample(child.pid);
    await sleep(SECONDS * 1000);
    const after = sample(child.pid);
    const ms = after.atMs - before.atMs;
    const cells = [
      SOURCES,
      ((after.cpuNs - before.cpuNs) / ms / 1e4).toFixed(2),
      residentMiB(child.pid, 'VmRSS'),
      residentMiB(child.pid, 'VmHWM'),
      (((after.births - before.births) / ms) * 1000).toFixed(1),
    ];
    await stop();
    console.log(`Node ${process.version}, ${SECONDS} s\n`);
    console.log('| sources | % of a core | resident MiB | at most | births a second on this machine |');
    console.log('|---|---|---|---|---|');
    console.log(`| ${cells.join(' | ')} |`);
  } finally {
    lab.close();
    rmSync(folder, { recursive: true });
  }
}

void run();
