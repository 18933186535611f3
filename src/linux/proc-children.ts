import type { ProcFs } from './proc-fs.ts';

/**
 * Whether a process has a living child, by /proc/PID/task/TID/children (CONFIG_PROC_CHILDREN).
 *
 * @returns undefined when the kernel has no such file, or the process is gone
 */
export function hasChildren(proc: ProcFs, pid: number): boolean | undefined {
  let known: boolean | undefined;
  for (const tid of proc.readDir(`${pid}/task`) ?? []) {
    const text = proc.readText(`${pid}/task/${tid}/children`);
    if (text === undefined) continue;
    if (text.trim() !== '') return true;
    known = false;
  }
  return known;
}
