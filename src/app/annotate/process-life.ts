/** When a process began, and below whom, as far as the evidence knows. */
import type { Process } from '../../core/process.ts';
import type { Value } from '../../core/record.ts';
import { TICK_US, type Us } from '../../core/time.ts';

/** Files that tell the time of day of a start have it in place of ticks since boot: so long no host is up. */
const TICKS_OF_DAY = 1e11;
const MOST_PARENTS = 32;

/** Where processes beside those of the flow are known. */
export interface Processes {
  /** Whoever had the pid last, of those that are not younger than `startTicks`. */
  latest(pid: number, startTicks: number): Process | undefined;
  /** Undefined: the boot from which the ticks are counted is not known. */
  startUs(startTicks: number): Us | undefined;
}

export interface ProcessLife {
  readonly [field: string]: Value;
  readonly start_us: Us | null; // since the epoch, where that is known,
  readonly start_boot_us: Us | null; // else since boot
  readonly parents: string | null; // `bash[28] < sshd[12] < process 1`
}

export function lifeOf({ startTicks, ...process }: Process, processes: Processes): ProcessLife {
  const isOfDay = startTicks >= TICKS_OF_DAY;
  const startUs = processes.startUs(startTicks) ?? (isOfDay ? startTicks * TICK_US : null);
  return {
    start_us: startUs,
    start_boot_us: startUs !== null || startTicks === 0 ? null : startTicks * TICK_US,
    parents: parentsOf({ startTicks, ...process }, processes).join(' < ') || null,
  };
}

function parentsOf(process: Process, { latest }: Pick<Processes, 'latest'>): string[] {
  const parents: string[] = [];
  for (let child = process; child.parentPid > 0 && parents.length < MOST_PARENTS; ) {
    const parent = latest(child.parentPid, child.startTicks);
    parents.push(parent === undefined ? `process ${child.parentPid}` : `${parent.comm}[${parent.pid}]`);
    if (parent === undefined || parent.pid === child.pid) break;
    child = parent;
  }
  return parents;
}
