import type { Process } from '../../../core/process.ts';
import { NO_UID } from '../../../core/socket.ts';

/** Whether two descriptions of one process say the same. */
export function isSameProcess(a: Process, b: Process): boolean {
  for (const name of Object.keys(a) as (keyof Process)[]) {
    if (name !== 'argv' && a[name] !== b[name]) return false;
  }
  return sameWords(a.argv, b.argv);
}

function sameWords(a: readonly string[] | null, b: readonly string[] | null): boolean {
  if (a === b || a === null || b === null) return a === b;
  return a.length === b.length && a.every((word, i) => word === b[i]);
}

/**
 * What /proc shows now, over what events told: a zombie has no exe and no arguments left, an orphan has another parent,
 * and children that were seen may be gone.
 */
export function mergeRead(told: Process, read: Process): Process {
  return {
    ...read,
    parentPid: told.parentPid === 0 ? read.parentPid : told.parentPid,
    exe: read.exe ?? told.exe,
    argv: read.argv ?? told.argv,
    netns: read.netns === 0 ? told.netns : read.netns,
    cgroup: read.cgroup ?? told.cgroup,
    unit: read.cgroup === null ? told.unit : read.unit,
    container: read.cgroup === null ? told.container : read.container,
    forked: read.forked || told.forked,
  };
}

/** One of which nothing is known. */
export const NO_PROCESS: Process = {
  pid: 0,
  startTicks: 0,
  parentPid: 0,
  comm: '',
  exe: null,
  argv: null,
  uid: NO_UID,
  cgroup: null,
  unit: null,
  container: null,
  netns: 0,
  forked: false,
};

/**
 * Where the kernel tells of exec, arguments change with the program alone: what /proc shows otherwise is what the process
 * has written over them (setproctitle), to be useful or to look like somebody else.
 */
export function keepWords(told: Process, read: Process): Process {
  return told.argv === null || read.exe !== told.exe ? read : { ...read, argv: told.argv };
}
