/** A process from /proc/PID/{stat,status,cmdline,cgroup,exe,ns/net}: proc_pid_stat(5) and its neighbours. */
import type { Process } from '../core/process.ts';
import { decodeHostile, MAX_TEXT } from '../core/text.ts';
import { type Cgroup, parseCgroup } from './cgroup.ts';
import type { ProcFs } from './proc-fs.ts';

export interface Stat {
  readonly comm: string; // printable
  readonly state: string; // R, S, D, Z ...
  readonly parentPid: number;
  readonly kernelThread: boolean; // it has no descriptors, exe or arguments
  readonly threads: number;
  readonly startTicks: number;
  readonly reaped: boolean; // children ended and were waited for
}

// Index in the fields after the comm, which is field 2; proc_pid_stat(5) counts from 1.
const field = (number: number): number => number - 3;
const STATE = field(3);
const PARENT = field(4);
const FLAGS = field(9);
const CHILD_MINOR_FAULTS = field(11);
const CHILD_MAJOR_FAULTS = field(13);
const CHILD_USER_TICKS = field(16);
const CHILD_SYSTEM_TICKS = field(17);
const THREADS = field(20);
const START_TICKS = field(22);
const PF_KTHREAD = 0x00200000; // include/linux/sched.h

/**
 * The comm may hold spaces, parentheses and newlines, the fields after it cannot: the last `)` ends it.
 *
 * @param text whole file, one character an octet
 * @returns undefined when it is not of that form
 */
export function parseStat(text: string): Stat | undefined {
  const open = text.indexOf('(');
  const close = text.lastIndexOf(')');
  if (open < 0 || close < open) return undefined;
  const fields = text.slice(close + 2).split(' ');
  const parentPid = wholeNumber(fields[PARENT]);
  const startTicks = wholeNumber(fields[START_TICKS]);
  if (parentPid === undefined || startTicks === undefined) return undefined;
  const ofChildren = [CHILD_MINOR_FAULTS, CHILD_MAJOR_FAULTS, CHILD_USER_TICKS, CHILD_SYSTEM_TICKS];
  return {
    comm: printable(text.slice(open + 1, close)),
    state: fields[STATE]!,
    parentPid,
    kernelThread: (Number(fields[FLAGS]) & PF_KTHREAD) !== 0,
    threads: Number(fields[THREADS]),
    startTicks,
    reaped: ofChildren.some((index) => Number(fields[index]) > 0),
  };
}

export interface Status {
  readonly uid: number; // real uid
  readonly ignoresChildren: boolean; // SIGCHLD is ignored: children vanish without a trace in stat
}

const SIGCHLD_BIT = 1 << 16; // signal 17

/** The name in it is escaped by the kernel, so no line can be forged. */
export function parseStatus(text: string): Status | undefined {
  const uid = /^Uid:\t(\d+)\t/m.exec(text);
  if (uid === null) return undefined;
  const ignored = /^SigIgn:\t[0-9a-f]*?([0-9a-f]{1,8})$/m.exec(text);
  return {
    uid: Number(uid[1]),
    ignoresChildren: ignored !== null && (parseInt(ignored[1]!, 16) & SIGCHLD_BIT) !== 0,
  };
}

/**
 * Arguments, each ended by NUL. Empty ones at the end are dropped: programs that rewrite their title pad with NUL.
 *
 * @returns null for a kernel thread or zombie, which has none
 */
export function parseCmdline(bytes: Uint8Array): string[] | null {
  let end = Math.min(bytes.length, MAX_TEXT);
  while (end > 0 && bytes[end - 1] === 0) end--;
  if (end === 0) return null;
  const text = bytes.subarray(0, end);
  const argv: string[] = [];
  for (let at = 0; at <= end; ) {
    const nul = text.indexOf(0, at);
    const stop = nul < 0 ? end : nul;
    argv.push(decodeHostile(text.subarray(at, stop)));
    at = stop + 1;
  }
  return argv;
}

/** @param link target of /proc/PID/ns/net; @returns inode of the namespace, 0 when there is none */
export function parseNamespaceLink(link: string | undefined): number {
  const m = /^[a-z_]+:\[(\d+)\]$/.exec(link ?? '');
  return m === null ? 0 : Number(m[1]);
}

/** Stat of a living process; undefined: gone, or no right (hidepid). */
export function readStat(proc: ProcFs, pid: number): Stat | undefined {
  const text = proc.readText(`${pid}/stat`);
  return text === undefined ? undefined : parseStat(text);
}

export function readStatus(proc: ProcFs, pid: number): Status | undefined {
  const text = proc.readText(`${pid}/status`);
  return text === undefined ? undefined : parseStatus(text);
}

/**
 * Folder that shows the descriptors, exe and arguments. A process whose first thread has ended while others run is
 * a zombie with an empty folder; its other threads still show everything.
 */
export function livingFolder(proc: ProcFs, pid: number, stat: Stat): string {
  if (stat.state !== 'Z' || !(stat.threads > 1)) return `${pid}`;
  const other = proc.readDir(`${pid}/task`)?.find((tid) => tid !== `${pid}`);
  return other === undefined ? `${pid}` : `${pid}/task/${other}`;
}

const NO_CGROUP: Cgroup = { path: null, unit: null, container: null };

/**
 * Reads what is known of a process. The start ticks are compared before and after, so a pid that was reused in
 * between never gives a mixture of two processes.
 *
 * `forked` says only what the process itself shows; living children are known from
 * proc-children.ts and from a scan (proc-fd.ts).
 */
export function readProcess(proc: ProcFs, pid: number): Process | undefined {
  const stat = readStat(proc, pid);
  const status = stat === undefined ? undefined : readStatus(proc, pid);
  if (stat === undefined || status === undefined) return undefined;
  const folder = livingFolder(proc, pid, stat);
  const cmdline = proc.read(`${folder}/cmdline`, MAX_TEXT);
  const argv = cmdline === undefined ? null : parseCmdline(cmdline);
  const cgroupText = proc.readText(`${folder}/cgroup`);
  const cgroup = cgroupText === undefined ? NO_CGROUP : parseCgroup(cgroupText);
  const exe = proc.readLink(`${folder}/exe`);
  const netns = parseNamespaceLink(proc.readLink(`${folder}/ns/net`));
  const after = readStat(proc, pid);
  if (after === undefined || after.startTicks !== stat.startTicks) return undefined;
  return {
    pid,
    startTicks: stat.startTicks,
    parentPid: after.parentPid,
    comm: after.comm,
    exe: exe === undefined ? null : printable(exe),
    argv,
    uid: status.uid,
    cgroup: cgroup.path,
    unit: cgroup.unit,
    container: cgroup.container,
    netns,
    forked: after.reaped || status.ignoresChildren,
  };
}

function wholeNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
}

const printable = (octets: string): string => decodeHostile(Buffer.from(octets, 'latin1'));
