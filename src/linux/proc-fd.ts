/**
 * Which processes hold which sockets: the links socket:[INODE] of /proc/PID/fd, proc_pid_fd(5).
 *
 * Costs about 4 µs a descriptor, mostly in the kernel (measured: 80 ms for 300 processes of 50), so the scan is a
 * generator: its caller can serve look-ups between two processes.
 */
import { pushRow } from '../core/columns.ts';
import type { HolderColumns } from '../core/process.ts';
import { type DescriptorMemory, readRan } from './descriptor-memory.ts';
import type { ProcFs } from './proc-fs.ts';
import { livingFolder, readStat, readStatus } from './proc-pid.ts';

/** What a scan found besides the holders. One object may serve several scans; clear the sets in between. */
export interface ScanFindings {
  readonly parents: Set<number>; // pids that have a living child
  readonly unreadable: Map<number, number>; // pid -> uid of processes whose descriptors may not be read
  readonly readable: Set<number>; // pids of those that were read; zombies and kernel threads are neither
}

export function createScanFindings(): ScanFindings {
  return { parents: new Set(), unreadable: new Map(), readable: new Set() };
}

/** Pids of the processes that this user can see, in the kernel's order. */
export function listPids(proc: ProcFs): number[] {
  const pids: number[] = [];
  for (const name of proc.readDir('.') ?? []) if (/^[1-9]\d*$/.test(name)) pids.push(Number(name));
  return pids;
}

/** Wanted first, then the youngest: a new socket most likely belongs to a new process. */
export function orderPids(all: readonly number[], recent: Iterable<number>): number[] {
  const present = new Set(all);
  const first = new Set<number>();
  for (const pid of recent) if (present.has(pid)) first.add(pid);
  const rest = all.filter((pid) => !first.has(pid)).sort((a, b) => b - a);
  return [...first, ...rest];
}

/** Descriptors read before a scan yields in the midst of a process, about 4 ms. */
const STEP = 1024;

/**
 * Appends a row to `out` for every socket descriptor of every process of `pids`. Yields each pid when its rows are
 * complete, and 0 in the midst of a process with many descriptors (its rows may still be taken back).
 *
 * @param nowUs CLOCK_BOOTTIME in microseconds
 * @param memory of earlier scans: a process that slept since is not read again
 */
export function* scanHolders(
  proc: ProcFs,
  pids: Iterable<number>,
  out: HolderColumns,
  findings: ScanFindings,
  nowUs: () => number,
  memory?: DescriptorMemory,
): Generator<number, void, void> {
  for (const pid of pids) {
    yield* scanProcess(proc, pid, out, findings, nowUs(), memory);
    yield pid;
  }
}

function* scanProcess(
  proc: ProcFs,
  pid: number,
  out: HolderColumns,
  findings: ScanFindings,
  seenUs: number,
  memory: DescriptorMemory | undefined,
): Generator<number, void, void> {
  const stat = readStat(proc, pid);
  if (stat === undefined) return;
  if (stat.parentPid > 0) findings.parents.add(stat.parentPid);
  if (stat.kernelThread || (stat.state === 'Z' && stat.threads <= 1)) return; // no descriptors
  const ran = memory === undefined ? undefined : readRan(proc, pid, stat);
  if (ran !== undefined && memory?.recall(pid, stat.startTicks, ran, seenUs, out) === true) {
    findings.readable.add(pid);
    return;
  }
  const folder = livingFolder(proc, pid, stat);
  let refusals = proc.counts.denied;
  const names = proc.readDir(`${folder}/fd`) ?? [];
  let refused = proc.counts.denied > refusals;
  const first = out.count;
  for (let i = 0; i < names.length && !refused; i++) {
    if (i % STEP === STEP - 1) yield 0;
    refusals = proc.counts.denied; // others may have read something since
    const link = proc.readLink(`${folder}/fd/${names[i]}`);
    refused = proc.counts.denied > refusals;
    const inode = link === undefined ? -1 : parseSocketLink(link);
    if (inode < 0) continue;
    const row = pushRow(out);
    out.inode[row] = inode;
    out.pid[row] = pid;
    out.startTicks[row] = stat.startTicks;
    out.fd[row] = Number(names[i]);
    out.seenUs[row] = seenUs;
  }
  // The right is one of the process, not of the descriptor: one refusal stands for all (no SYS_PTRACE).
  if (refused) noteUnreadable(proc, pid, findings);
  else {
    findings.readable.add(pid);
    if (ran !== undefined) memory?.note(pid, stat.startTicks, ran, out, first);
  }
  if (out.count === first) return;
  const after = readStat(proc, pid); // gone: it held them while it lived
  if (after !== undefined && after.startTicks !== stat.startTicks) out.count = first; // pid was reused meanwhile
}

function noteUnreadable(proc: ProcFs, pid: number, findings: ScanFindings): void {
  const status = readStatus(proc, pid);
  if (status !== undefined) findings.unreadable.set(pid, status.uid);
}

/** @returns N of `socket:[N]`, -1 for any other link */
export function parseSocketLink(link: string): number {
  if (!link.startsWith('socket:[') || !link.endsWith(']')) return -1;
  const digits = link.slice(8, -1);
  return /^\d{1,15}$/.test(digits) ? Number(digits) : -1;
}
