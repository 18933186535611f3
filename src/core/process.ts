import type { Columns } from './columns.ts';

/** A process as /proc showed it. Identity is (boot id, pid, start ticks): a pid alone is reused. */
export interface Process {
  readonly pid: number; // thread group id, in the pid namespace of the reader
  readonly startTicks: number; // field 22 of /proc/PID/stat, clock ticks since boot
  readonly parentPid: number;
  readonly comm: string; // at most 15 octets; hostile text, already made printable by core/text.ts
  readonly exe: string | null; // null: no right to read it, or a kernel thread
  readonly argv: readonly string[] | null;
  readonly uid: number; // real uid
  readonly cgroup: string | null; // path of the unified (v2) or the systemd hierarchy
  readonly unit: string | null; // systemd unit of that path
  readonly container: string | null; // 64 hex digits or the runtime's name for it
  readonly netns: number; // inode of /proc/PID/ns/net; 0: no right to read it
  readonly forked: boolean; // it has, or may have had, children: a listener's holder is then only a candidate
}

/** Which processes hold which socket inodes, as a scan of /proc/PID/fd saw it. */
export const HOLDER_COLUMNS = {
  inode: 'f64',
  pid: 'u32',
  startTicks: 'f64',
  fd: 'u32',
  seenUs: 'f64', // CLOCK_BOOTTIME
} as const;
export type HolderColumns = Columns<typeof HOLDER_COLUMNS>;

/** Processes that ended, as the kernel said at that moment. */
export const EXIT_COLUMNS = {
  pid: 'u32',
  startTicks: 'f64',
  atUs: 'f64', // CLOCK_BOOTTIME
  code: 'u32', // as wait(2) gives it
} as const;
export type ExitColumns = Columns<typeof EXIT_COLUMNS>;
