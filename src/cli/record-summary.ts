import { monitorEventLoopDelay } from 'node:perf_hooks';
import { countText, formatShare, formatSize } from '../report/size.ts';
import { compileLatestCapture } from '../store/compile-summary.ts';
import { Reader } from '../store/reader.ts';
import type { Context } from './context.ts';

/**
 * With PCAPID_LOOP_DELAY=1: measures how long the main thread was ever busy at a stretch.
 *
 * @returns the line of the summary that says so, '' without the variable
 */
export function watchLoopDelay({ env }: Pick<Context, 'env'>): () => string {
  if (env.PCAPID_LOOP_DELAY !== '1') return () => '';
  const resolution = 5; // milliseconds; the histogram holds the timer's period plus the delay
  const delays = monitorEventLoopDelay({ resolution });
  delays.enable();
  return () => {
    delays.disable();
    const ms = (ns: number): string => Math.max(0, ns / 1e6 - resolution).toFixed(1);
    return `main thread busy for ${ms(delays.max)} ms at most, ${ms(delays.percentile(99))} ms in 99 of 100 cases`;
  };
}

/** What the capture that just ended stored, read back from the database, and what it cost. On stderr. */
export function printCapture(context: Context, database: string, loopDelay = ''): void {
  const reader = Reader.open(database);
  const [row] = reader.all(compileLatestCapture());
  reader.close();
  if (row === undefined) return;
  const number = (name: string): number => Number(row[name] ?? 0);
  const drops = row.kernel_drops === null ? 'kernel drops unknown' : `${number('kernel_drops')} dropped by the kernel`;
  const beside = [
    count(number('duplicate_packets'), 'seen again on another interface'),
    count(number('not_ip_packets'), 'not IP'),
    count(number('bad_packets'), 'cut or malformed'),
  ].filter((text) => text !== '');
  const lines = [
    `${countText(number('packets'), 'packet')}, ${drops}${beside.length > 0 ? `; of them ${beside.join(', ')}` : ''}`,
    `${countText(number('flows'), 'flow')}, ${formatSize(number('ip_bytes'))}`,
    `attributed ${shareOf(number('named_flows'), number('flows'))} of flows, ` +
      `${shareOf(number('named_ip_bytes'), number('ip_bytes'))} of bytes`,
    ...(row.backend === 'cap' ? ['times are those of delivery, not of capture (backend cap)'] : []),
    ...losses(number),
    `stored in ${database}`,
    costs(),
    ...(loopDelay === '' ? [] : [loopDelay]),
  ];
  for (const line of lines) context.err(`${line}\n`);
}

function count(packets: number, what: string): string {
  return packets === 0 ? '' : `${packets} ${what}`;
}

function shareOf(part: number, whole: number): string {
  return whole === 0 ? 'none' : formatShare(part / whole);
}

/** Only what was lost is worth a line. */
function losses(number: (name: string) => number): string[] {
  const lines: string[] = [];
  if (number('flows_evicted') > 0)
    lines.push(`${countText(number('flows_evicted'), 'flow')} ended early: the flow table was full`);
  if (number('flows_lost') > 0)
    lines.push(`${countText(number('flows_lost'), 'flow')} lost: the database could not keep up`);
  lines.push(...factsLostLines(number('facts_lost')));
  if (number('looks_skipped') > 0)
    lines.push(
      `no time for ${countText(number('looks_skipped'), 'look')} at new processes: the shortest-lived stay unknown`,
    );
  if (number('facts_late') > 0)
    lines.push(`${countText(number('facts_late'), 'event')} of sockets came after their packets were counted`);
  if (number('names_lost') > 0) lines.push(namesLostText(number('names_lost')));
  return lines;
}

export function factsLostLines(lost: number): string[] {
  return lost === 0 ? [] : [`${lost} facts about sockets lost: a buffer was full`];
}

/** Counts names, and packets that were not searched for them. */
export function namesLostText(lost: number): string {
  return `${countText(lost, 'host name')} not kept: there were too many at once`;
}

export function costs(): string {
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
  const seconds = (userCPUTime + systemCPUTime) / 1e6;
  return `${seconds.toFixed(2)} s of CPU, ${formatSize(maxRSS * 1024)} of memory at most`;
}
