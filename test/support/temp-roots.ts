/** Folders that stand for /proc, /sys, / and /etc: files from text, links from `-> target`. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { ProcFs } from '../../src/linux/proc-fs.ts';

export interface TempRoots {
  readonly folder: string;
  readonly proc: ProcFs;
  readonly sys: ProcFs;
  readonly root: ProcFs;
  readonly etc: ProcFs;
  remove(): void;
}

/** @param files 'proc/self': '-> 4711', 'proc/4711/stat': '...', 'sys/kernel/...': '...' */
export function tempRoots(files: Readonly<Record<string, string>>): TempRoots {
  const folder = mkdtempSync(join(tmpdir(), 'roots-'));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    if (text.startsWith('-> ')) symlinkSync(text.slice(3), join(folder, path));
    else writeFileSync(join(folder, path), text);
  }
  const at = (name: string): ProcFs => new ProcFs(join(folder, name));
  const remove = (): void => rmSync(folder, { recursive: true });
  return { folder, proc: at('proc'), sys: at('sys'), root: at('root'), etc: at('etc'), remove };
}

/** /proc/PID/stat of a process that sleeps, proc_pid_stat(5). */
export function statText(pid: number, comm: string, startTicks = 100, state = 'S', parentPid = 1): string {
  const before = `${state} ${parentPid} ${pid} ${pid} 0 -1 4194304 0 0 0 0 0 0 0 0 20 0 1 0`; // fields 3 to 21
  return `${pid} (${comm}) ${before} ${startTicks} 0 0\n`;
}
