import type { Process } from '../core/process.ts';
import type { Program } from '../core/tick.ts';
import type { Us } from '../core/time.ts';

export interface KnownProcess {
  readonly process: Process; // as last read: exec and cgroup moves replace it
  readonly firstUs: Us; // CLOCK_BOOTTIME
  readonly lastUs: Us;
}

/** Processes by (pid, start ticks), so that a reused pid is another process. */
export class ProcessTable {
  readonly #byKey = new Map<string, KnownProcess>();

  get size(): number {
    return this.#byKey.size;
  }

  observe(process: Process, seenUs: Us): void {
    const key = processKey(process.pid, process.startTicks);
    const known = this.#byKey.get(key);
    const forked = process.forked || known?.process.forked === true; // once is for ever: its children may be gone by now
    const merged = forked === process.forked ? process : { ...process, forked };
    this.#byKey.set(key, { process: merged, firstUs: known?.firstUs ?? seenUs, lastUs: seenUs });
  }

  get(pid: number, startTicks: number): KnownProcess | undefined {
    return this.#byKey.get(processKey(pid, startTicks));
  }

  forget(beforeUs: Us): void {
    for (const [key, known] of this.#byKey) if (known.lastUs < beforeUs) this.#byKey.delete(key);
  }
}

export function processKey(pid: number, startTicks: number): string {
  return `${pid}:${startTicks}`;
}

export function programOf(process: Process): Program {
  return { exe: process.exe, unit: process.unit, container: process.container, uid: process.uid };
}

/** What all holders of a shared socket agree on; the rest is null. */
export function agreedProgram(processes: readonly Process[]): Program {
  const [first, ...others] = processes.map(programOf);
  if (first === undefined) return { exe: null, unit: null, container: null, uid: null };
  const agreed = <K extends keyof Program>(field: K): Program[K] | null =>
    others.every((other) => other[field] === first[field]) ? first[field] : null;
  return { exe: agreed('exe'), unit: agreed('unit'), container: agreed('container'), uid: agreed('uid') };
}
