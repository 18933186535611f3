import type { ProcFs } from './proc-fs.ts';

/**
 * Living children of a process, by /proc/PID/task/TID/children (CONFIG_PROC_CHILDREN).
 *
 * @returns undefined when the kernel has no such file, or the process is gone
 */
export function listChildren(proc: ProcFs, pid: number): readonly number[] | undefined {
  let children: number[] | undefined;
  for (const tid of proc.readDir(`${pid}/task`) ?? []) {
    const text = proc.readText(`${pid}/task/${tid}/children`);
    if (text === undefined) continue;
    children ??= [];
    for (const word of text.split(' ')) if (/^[1-9]\d*$/.test(word)) children.push(Number(word));
  }
  return children;
}

/** Whether a process has a living child; undefined as above. */
export function hasChildren(proc: ProcFs, pid: number): boolean | undefined {
  const children = listChildren(proc, pid);
  return children === undefined ? undefined : children.length > 0;
}
