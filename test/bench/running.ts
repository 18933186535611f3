/** What a process that runs has used so far: proc_pid_schedstat(5), proc_pid_status(5). */
import { readdirSync, readFileSync } from 'node:fs';

export interface Sample {
  readonly cpuNs: number; // of all threads
  readonly births: number; // of the machine, since it started
  readonly atMs: number;
  readonly wallUs: number;
}

export function sample(pid: number): Sample {
  const ran = (thread: string): number =>
    Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]);
  const cpuNs = readdirSync(`/proc/${pid}/task`).reduce((sum, thread) => sum + ran(thread), 0);
  const births = Number(/^processes (\d+)/m.exec(readFileSync('/proc/stat', 'utf8'))?.[1]);
  return { cpuNs, births, atMs: performance.now(), wallUs: Date.now() * 1000 };
}

export function residentMiB(pid: number, name: 'VmRSS' | 'VmHWM'): number {
  const kib = new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kib) / 1024;
}
