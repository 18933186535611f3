import type { ProcFs } from '../../linux/proc-fs.ts';
import { readStat } from '../../linux/proc-pid.ts';
import { readBootId } from '../../linux/system.ts';
import { FlowStore } from '../../store/flow-store.ts';

/** Opens the database for this process, which is its only writer from now on. @param path absolute @throws UserError */
export function openStore(path: string, proc: ProcFs): FlowStore {
  const self = {
    bootId: readBootId({ proc }) ?? 'unknown',
    pid: process.pid,
    startTicks: readStat(proc, process.pid)?.startTicks ?? 0,
  };
  const isAlive = (pid: number, startTicks: number): boolean => readStat(proc, pid)?.startTicks === startTicks;
  return FlowStore.open(path, { self, isAlive, nowUs: Date.now() * 1000 });
}
