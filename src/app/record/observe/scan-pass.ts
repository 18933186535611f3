import { createColumns } from '../../../core/columns.ts';
import { HOLDER_COLUMNS, type HolderColumns } from '../../../core/process.ts';
import type { Us } from '../../../core/time.ts';
import type { DescriptorMemory } from '../../../linux/descriptor-memory.ts';
import { type ScanFindings, scanHolders } from '../../../linux/proc-fd.ts';
import type { ProcFs } from '../../../linux/proc-fs.ts';

/** One reading of the descriptors of some processes, in slices. */
export class ScanPass {
  readonly seen: HolderColumns = createColumns(HOLDER_COLUMNS);
  readonly startedUs: Us;
  readonly #startedCpuUs = cpuUs();
  readonly #work: Generator<number, void, void>;
  readonly #nowUs: () => Us;

  constructor(
    proc: ProcFs,
    pids: () => Iterable<number>,
    findings: ScanFindings,
    nowUs: () => Us,
    memory: DescriptorMemory,
  ) {
    this.#nowUs = nowUs;
    this.startedUs = nowUs();
    this.#work = scanHolders(proc, pids(), this.seen, findings, nowUs, memory);
  }

  /** @returns whether it is complete; before that, rows may still be taken back */
  run(untilUs: Us): boolean {
    while (this.#nowUs() < untilUs) if (this.#work.next().done === true) return true;
    return false;
  }

  /** What it cost so far: at most the time it took, and at most the CPU that was used meanwhile. */
  costUs(): Us {
    return Math.min(this.#nowUs() - this.startedUs, cpuUs() - this.#startedCpuUs);
  }
}

/** Of all threads together: an upper bound of what this one used (Node 20 cannot tell them apart). */
function cpuUs(): Us {
  const { user, system } = process.cpuUsage();
  return user + system;
}

/** Sockets whose holders a kind of pass looks for. */
export class ScanWishes {
  /** Inode -> passes that did not find it; of the running pass, or the next. */
  readonly now = new Map<number, number>();
  readonly #later = new Set<number>(); // wished for during a pass, which may have passed over their holders already

  get size(): number {
    return this.now.size + this.#later.size;
  }

  has(inode: number): boolean {
    return this.now.has(inode) || this.#later.has(inode);
  }

  add(inode: number, pass: ScanPass | undefined): void {
    if (pass === undefined) this.now.set(inode, 0);
    else this.#later.add(inode);
  }

  /** Before a pass begins. */
  drop(isNeedless: (inode: number) => boolean): void {
    for (const inode of this.now.keys()) if (isNeedless(inode)) this.now.delete(inode);
  }

  /** A pass ended. Those it did not find stay while `again` says so; others that waited are looked for by the next. */
  settle(isFound: (inode: number) => boolean, again: (inode: number, passes: number) => boolean): void {
    for (const [inode, passes] of this.now) {
      if (!isFound(inode) && again(inode, passes + 1)) this.now.set(inode, passes + 1);
      else this.now.delete(inode);
    }
    for (const inode of this.#later) if (!this.now.has(inode)) this.now.set(inode, 0);
    this.#later.clear();
  }
}
