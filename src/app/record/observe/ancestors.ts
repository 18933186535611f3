import type { Process } from '../../../core/process.ts';
import { SECOND_US, type Us } from '../../../core/time.ts';
import type { ProcFs } from '../../../linux/proc-fs.ts';
import { readProcess } from '../../../linux/proc-pid.ts';

/** More generations than any tree of processes has that people look at. */
export const MOST_GENERATIONS = 32;
/** A parent that was told is told again this long afterwards, when it has another child: main forgets who is not heard of. */
const TOLD_US = 60 * SECOND_US;
const MOST_REMEMBERED = 4096;

/** Where no kernel event tells of them: parents of processes that are told, up to init, read from /proc while they live. */
export class Ancestors {
  readonly #proc: ProcFs;
  readonly #told = new Map<number, Us>(); // by pid

  constructor(proc: ProcFs) {
    this.#proc = proc;
  }

  /** @returns ancestors of these that were not told lately */
  of(processes: readonly Process[], nowUs: Us): Process[] {
    const found: Process[] = [];
    for (const process of processes) this.#climb(process, nowUs, found);
    return found;
  }

  #climb(from: Process, nowUs: Us, out: Process[]): void {
    let child = from;
    for (let generation = 0; generation < MOST_GENERATIONS && child.parentPid > 0; generation++) {
      const pid = child.parentPid;
      if (nowUs - (this.#told.get(pid) ?? -TOLD_US) < TOLD_US) return; // with its own ancestors
      const parent = readProcess(this.#proc, pid);
      if (parent === undefined || parent.startTicks > child.startTicks) return; // its pid is another's by now
      if (this.#told.size >= MOST_REMEMBERED) this.#told.clear();
      this.#told.set(pid, nowUs);
      child = { ...parent, forked: true };
      out.push(child);
    }
  }
}
