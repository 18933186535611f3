import type { Process } from '../core/process.ts';
import { NO_UID } from '../core/socket.ts';
import type { Program } from '../core/tick.ts';
import type { Us } from '../core/time.ts';

export interface KnownProcess {
  readonly process: Process; // as last read: exec and cgroup moves replace it
  readonly firstUs: Us; // CLOCK_BOOTTIME
  readonly lastUs: Us;
  readonly exitUs: Us | null; // where the kernel told it
}

/** Processes by (pid, start ticks), so that a reused pid is another process. */
export class ProcessTable {
  readonly #byPid = new Map<number, KnownProcess[]>(); // all that had the pid, seldom more than one

  get size(): number {
    let size = 0;
    for (const known of this.#byPid.values()) size += known.length;
    return size;
  }

  /** @returns whether it was not known */
  observe(process: Process, seenUs: Us): boolean {
    this.#markForked(process.parentPid, process.startTicks);
    const namesakes = this.#byPid.get(process.pid);
    if (namesakes === undefined) {
      this.#byPid.set(process.pid, [{ process, firstUs: seenUs, lastUs: seenUs, exitUs: null }]);
      return true;
    }
    const at = namesakes.findIndex((known) => known.process.startTicks === process.startTicks);
    const known = namesakes[at];
    const forked = process.forked || known?.process.forked === true; // once is for ever: its children may be gone by now
    const merged = forked === process.forked ? process : { ...process, forked };
    namesakes[known === undefined ? namesakes.length : at] = {
      process: merged,
      firstUs: known?.firstUs ?? seenUs,
      lastUs: seenUs,
      exitUs: known?.exitUs ?? null,
    };
    return known === undefined;
  }

  /** Whoever has a child has forked, although nobody may have told. */
  #markForked(pid: number, beforeTicks: number): void {
    const namesakes = this.#byPid.get(pid) ?? [];
    for (let at = namesakes.length - 1; at >= 0; at--) {
      const known = namesakes[at]!;
      if (known.process.startTicks > beforeTicks) continue;
      if (!known.process.forked) namesakes[at] = { ...known, process: { ...known.process, forked: true } };
      return;
    }
  }

  /** The kernel told that it has ended. */
  end(pid: number, startTicks: number, exitUs: Us): void {
    const namesakes = this.#byPid.get(pid) ?? [];
    const at = namesakes.findIndex((known) => known.process.startTicks === startTicks);
    if (at !== -1) namesakes[at] = { ...namesakes[at]!, exitUs };
  }

  get(pid: number, startTicks: number): KnownProcess | undefined {
    const namesakes = this.#byPid.get(pid);
    if (namesakes === undefined) return undefined;
    for (const known of namesakes) if (known.process.startTicks === startTicks) return known;
    return undefined;
  }

  /** Whoever had the pid last, of those that are not younger than `startTicks`: the parent of one that began then. */
  latest(pid: number, startTicks: number): Process | undefined {
    let latest: Process | undefined;
    for (const { process } of this.#byPid.get(pid) ?? []) {
      const isOlder = process.startTicks <= startTicks;
      if (isOlder && process.startTicks >= (latest?.startTicks ?? 0)) latest = process;
    }
    return latest;
  }

  /** @param isKept whether that process may still be asked for */
  forget(beforeUs: Us, isKept: (process: Process) => boolean): void {
    for (const [pid, namesakes] of this.#byPid) {
      const kept = namesakes.filter(({ process, lastUs }) => lastUs >= beforeUs || isKept(process));
      if (kept.length === 0) this.#byPid.delete(pid);
      else if (kept.length < namesakes.length) this.#byPid.set(pid, kept);
    }
  }
}

export function processKey(pid: number, startTicks: number): string {
  return `${pid}:${startTicks}`;
}

export function programOf({ exe, unit, container, uid }: Process): Program {
  return { exe, unit, container, uid: uid === NO_UID ? null : uid };
}

/** Whether nothing has changed that people see of a process. */
export function sameProgram(a: Process, b: Process): boolean {
  return a.exe === b.exe && a.comm === b.comm && a.unit === b.unit && a.container === b.container && a.uid === b.uid;
}

/** What all holders of a shared socket agree on; the rest is null. */
export function agreedProgram(processes: readonly Process[]): Program {
  const [first, ...others] = processes.map(programOf);
  if (first === undefined) return { exe: null, unit: null, container: null, uid: null };
  const agreed = <K extends keyof Program>(field: K): Program[K] | null =>
    others.every((other) => other[field] === first[field]) ? first[field] : null;
  return { exe: agreed('exe'), unit: agreed('unit'), container: agreed('container'), uid: agreed('uid') };
}
