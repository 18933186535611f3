import { pushRow } from '../core/columns.ts';
import type { HolderColumns } from '../core/process.ts';
import type { ProcFs } from './proc-fs.ts';
import type { Stat } from './proc-pid.ts';

interface Remembered {
  readonly startTicks: number;
  readonly ran: string;
  readonly inodes: readonly number[];
  readonly fds: readonly number[];
}

/**
 * The sockets of processes that have not run since their descriptors were read: nobody else can change those. Most
 * processes of a host sleep, and one file tells it where fifty links would have to be read.
 */
export class DescriptorMemory {
  readonly #processes = new Map<number, Remembered>(); // by pid

  /** Appends what the process holds, if it did not run since note(); @returns whether that is so */
  recall(pid: number, startTicks: number, ran: string, seenUs: number, out: HolderColumns): boolean {
    const known = this.#processes.get(pid);
    if (known === undefined || known.startTicks !== startTicks || known.ran !== ran) return false;
    for (let i = 0; i < known.inodes.length; i++) {
      const row = pushRow(out);
      out.inode[row] = known.inodes[i]!;
      out.pid[row] = pid;
      out.startTicks[row] = startTicks;
      out.fd[row] = known.fds[i]!;
      out.seenUs[row] = seenUs;
    }
    return true;
  }

  /** @param ran of before its descriptors were read @param first its rows begin there and are the last */
  note(pid: number, startTicks: number, ran: string, out: HolderColumns, first: number): void {
    const inodes = Array.from(out.inode.subarray(first, out.count));
    this.#processes.set(pid, { startTicks, ran, inodes, fds: Array.from(out.fd.subarray(first, out.count)) });
  }

  /** @param pids all processes that there are */
  keepOnly(pids: Iterable<number>): void {
    const alive = new Set(pids);
    for (const pid of this.#processes.keys()) if (!alive.has(pid)) this.#processes.delete(pid);
  }
}

/**
 * How long and how often it ran, Documentation/scheduler/sched-stats.rst; undefined where the kernel does not count it,
 * and for several threads (of io_uring, too): the file is about the first.
 */
export function readRan(proc: ProcFs, pid: number, stat: Stat): string | undefined {
  if (stat.threads !== 1) return undefined;
  const text = proc.readText(`${pid}/schedstat`);
  return text !== undefined && /^[1-9]\d* \d+ [1-9]/.test(text) ? text : undefined;
}
