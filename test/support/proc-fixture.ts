/** A /proc with processes that hold sockets, in a temporary folder, and a clock that is fed. */
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { statText, tempRoots } from './temp-roots.ts';

export interface ProcessLiteral {
  readonly comm?: string;
  readonly startTicks?: number;
  readonly parentPid?: number; // absent: 1
  readonly state?: string; // Z: a zombie
  readonly uid?: number;
  readonly argv?: readonly string[];
  readonly sockets?: readonly number[]; // inodes, held as descriptors 3, 4 ...
  readonly children?: readonly number[];
  readonly ran?: string; // schedstat
}

/** `processes` by pid; `now` is CLOCK_BOOTTIME in microseconds. */
export function procFixture(processes: Readonly<Record<number, ProcessLiteral>>) {
  const roots = tempRoots({ 'proc/version': 'Linux\n' });
  const fixture = {
    proc: roots.proc,
    now: 1_000_000,
    nowUs: (): number => fixture.now,
    remove: roots.remove,
    add(pid: number, literal: ProcessLiteral): void {
      for (const [name, text] of Object.entries(processFiles(pid, literal))) {
        const path = join(roots.folder, 'proc', String(pid), name);
        mkdirSync(dirname(path), { recursive: true });
        if (text.startsWith('-> ')) symlinkSync(text.slice(3), path);
        else writeFileSync(path, text);
      }
    },
    end(pid: number): void {
      rmSync(join(roots.folder, 'proc', String(pid)), { recursive: true });
    },
  };
  for (const [pid, literal] of Object.entries(processes)) fixture.add(Number(pid), literal);
  return fixture;
}

function processFiles(pid: number, literal: ProcessLiteral): Record<string, string> {
  const { comm = `p${pid}`, startTicks = pid * 10, uid = 1000, argv = [comm], sockets = [], children = [] } = literal;
  const files: Record<string, string> = {
    stat: statText(pid, comm, startTicks, literal.state, literal.parentPid),
    status: `Name:\t${comm}\nUid:\t${uid}\t${uid}\t${uid}\t${uid}\n`,
    cmdline: argv.map((word) => `${word}\0`).join(''),
    exe: `-> /usr/bin/${comm}`,
    'fd/0': '-> /dev/null',
    [`task/${pid}/children`]: children.map((child) => `${child} `).join(''),
  };
  if (literal.ran !== undefined) files.schedstat = literal.ran;
  sockets.forEach((inode, i) => {
    files[`fd/${i + 3}`] = `-> socket:[${inode}]`;
  });
  return files;
}
