/** What is measured: pcapid with a set of layers, and peers. Each is started, sees the workload, and says what it saw. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startChild } from '../../support/child.ts';
import { AS_USUAL, startRecording } from '../../support/recording.ts';
import { runPcapid } from '../../support/run-pcapid.ts';
import { storedEnds } from '../../support/said-ends.ts';
import { readCapture } from '../../support/stored-flows.ts';
import type { TrueEnd } from '../../support/true-ends.ts';
import { LOAD_FILTER, type Stage } from '../../support/true-workload.ts';
import { type Judged, judge, type SaidEnd, SaidEnds } from '../../support/verdict.ts';
import { waitFor } from '../../support/wait.ts';
import { measuredInto } from './measured.ts';

const SETTLE_MS = 1500; // what comes late comes by then
const DEADLINE_MS = 180_000; // nethogs reads all of /proc for each unknown connection, and falls behind

interface Answer {
  judge(end: TrueEnd): Judged;
  readonly remark: string;
  readonly pace?: number; // share of the work that was due, of what falls behind on a busy machine
}

export interface Tool {
  readonly name: string;
  /** @returns what stops it and reads what it learned */
  start(folder: string, costFile: string): Promise<() => Promise<Answer>>;
}

/** `pcapid record` on all interfaces, of all namespaces if it can. */
export function pcapid(sources: string): Tool {
  return {
    name: `pcapid ${sources}`,
    async start(folder, costFile) {
      const { out } = await runPcapid(['record', '--help']);
      const words = ['-q', '-i', 'any', '--sources', sources, ...(out.includes('--netns') ? ['--netns', 'all'] : [])];
      words.push(...LOAD_FILTER.split(' ')); // what others do on this machine meanwhile is not measured
      const options = { before: measuredInto(costFile), database: join(folder, 'flows.db'), env: AS_USUAL };
      const recording = await startRecording(words, options);
      return async () => {
        await sleep(SETTLE_MS);
        const { code, err } = await recording.child.stop('SIGINT', DEADLINE_MS);
        if (code !== 0) throw new Error(`pcapid record ended with ${code}\n${err}`);
        const ends = storedEnds(recording.database);
        const { kernel_drops, facts_lost, flows_evicted } = readCapture(recording.database);
        return {
          judge: (end) => judge(end, ends.of(end)),
          remark: `${kernel_drops} drops, ${facts_lost} facts lost, ${flows_evicted} flows evicted`,
        };
      };
    },
  };
}

/** All of /proc read each `intervalMs` by the program poller.c. */
export function poller(stage: Stage, intervalMs: number): Tool {
  return {
    name: `/proc each ${intervalMs} ms`,
    async start(_folder, costFile) {
      const child = startChild([...measuredInto(costFile), stage.program('poller'), `${intervalMs}`]);
      await waitFor(() => child.err().includes('ready'), 5000, 'the poller');
      return async () => {
        const { out, err } = await child.stop('SIGINT', DEADLINE_MS);
        const ends = polledEnds(out);
        const [made, due] = /polls (\d+) of (\d+)/.exec(err)!.slice(1).map(Number);
        const remark = `${out.split('\n').length - 1} sockets seen, ${made} of ${due} polls made`;
        return { judge: (end) => judgePolled(ends, end), remark, pace: made! / due! };
      };
    },
  };
}

interface PolledRow {
  readonly protocol: string;
  readonly local: readonly [string, number];
  readonly remote: readonly [string, number];
  readonly pid: number;
  readonly start_ticks: number;
  readonly from_us: number;
  readonly to_us: number;
}

const ANY: readonly [string, number] = ['', 0]; // no remote end: a listener or an unconnected socket

function polledEnds(out: string): SaidEnds {
  const ends = new SaidEnds();
  for (const line of out.split('\n').slice(0, -1)) {
    const row = JSON.parse(line) as PolledRow;
    const said: SaidEnd = {
      ...{ netns: null, fromUs: row.from_us, toUs: row.to_us, reason: null },
      ...{ pid: row.pid, startTicks: row.start_ticks },
    };
    if (row.remote[1] === 0) ends.add(row.protocol, ['', row.local[1]], ANY, said);
    else ends.add(row.protocol, row.local, row.remote, said);
  }
  return ends;
}

/** The exact tuple, else who has the port. */
function judgePolled(ends: SaidEnds, end: TrueEnd): Judged {
  const exact = ends.of(end);
  return judge(end, exact.length > 0 ? exact : ends.of({ ...end, local: ['', end.local[1]], remote: ANY }));
}

/**
 * nethogs 0.8 names processes, not connections: an end counts as named when its process was listed at all, which is the
 * best that the output can be read as.
 */
export function nethogs(): Tool {
  return {
    name: 'nethogs',
    async start(_folder, costFile) {
      const child = startChild([
        ...measuredInto(costFile),
        'nethogs',
        '-t',
        '-a',
        '-C',
        '-d',
        '1',
        '-v',
        '2',
        '-f',
        LOAD_FILTER,
      ]);
      await waitFor(() => child.out().includes('Refreshing'), 10_000, 'nethogs');
      return async () => {
        const { out } = await child.stop('SIGINT', DEADLINE_MS);
        const pids = new Set([...out.matchAll(/^.*\/(\d+)\/\d+\t/gm)].map((match) => Number(match[1])));
        return {
          judge: (end) => ({ end, verdict: pids.has(end.pid) ? 'named' : 'none', reason: 'never listed', pids: [] }),
          remark: `${[...pids].filter((pid) => pid !== 0).length} processes listed`,
        };
      };
    },
  };
}
