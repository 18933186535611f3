/**
 * What `pcapid record` costs while nothing happens: CPU of all its threads and resident memory, in a namespace without
 * traffic. The BPF programs see every process of the machine all the same, so the births meanwhile are printed beside it.
 * Needs root. DURATION=60 (seconds), SOURCES=auto.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { NetnsLab } from '../support/netns.ts';
import { AS_USUAL, startRecording } from '../support/recording.ts';
import { residentMiB, sample } from './running.ts';

const SECONDS = Number(process.env.DURATION ?? 60);
const SOURCES = process.env.SOURCES ?? 'auto';
const WARM_MS = 15_000; // compiled by then

async function run(): Promise<void> {
  const lab = new NetnsLab();
  const folder = mkdtempSync(join(tmpdir(), 'pcapid-idle-'));
  try {
    const options = { netns: lab.create(), database: join(folder, 'idle.db'), env: AS_USUAL };
    const { child, stop } = await startRecording(['-q', '--sources', SOURCES], options);
    await sleep(WARM_MS);
    const before = sample(child.pid);
    await sleep(SECONDS * 1000);
    const after = sample(child.pid);
    const ms = after.atMs - before.atMs;
    const cells = [
      SOURCES,
      ((after.cpuNs - before.cpuNs) / ms / 1e4).toFixed(2),
      residentMiB(child.pid, 'VmRSS').toFixed(0),
      residentMiB(child.pid, 'VmHWM').toFixed(0),
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
