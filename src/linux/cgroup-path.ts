/**
 * Control groups by their id, as kernel events give it: the inode of the group's folder in the unified hierarchy
 * (kernfs), for groups whose processes are gone already.
 */
import { type Cgroup, parseCgroup } from './cgroup.ts';
import type { ProcFs } from './proc-fs.ts';

/** Folders looked at in one walk, 5 µs each. A user may make groups below his own without end. */
const MOST_FOLDERS = 10_000;
/** Groups remembered; the oldest are forgotten first. */
const MOST_KNOWN = 32_768;
/** Walks take at most a hundredth of the time. */
const SHORTEST_REST_US = 1_000_000;
const REST_FACTOR = 100;

export class CgroupPaths {
  readonly #mount: ProcFs;
  readonly #nowUs: () => number;
  readonly #known = new Map<number, Cgroup>();
  #nextWalkUs = 0;

  /** @param mount where the unified hierarchy is mounted; @param nowUs CLOCK_BOOTTIME */
  constructor(mount: ProcFs, nowUs: () => number) {
    this.#mount = mount;
    this.#nowUs = nowUs;
  }

  /** @returns undefined when there is no such group any more, or it was not looked for yet: a walk has its rest */
  find(id: number): Cgroup | undefined {
    if (!this.#known.has(id) && this.#nowUs() >= this.#nextWalkUs) this.#walk();
    return this.#known.get(id);
  }

  /** Broad before deep: groups of services are found before those that somebody nests. */
  #walk(): void {
    const startedUs = this.#nowUs();
    const queue = ['/'];
    for (let i = 0; i < queue.length && i < MOST_FOLDERS; i++) {
      const path = queue[i]!;
      const inode = this.#mount.inode(path);
      if (inode === undefined) continue; // removed meanwhile
      this.#remember(inode, path);
      if (queue.length >= MOST_FOLDERS) continue;
      for (const name of this.#mount.readFolders(path) ?? []) queue.push(path === '/' ? `/${name}` : `${path}/${name}`);
    }
    const now = this.#nowUs();
    this.#nextWalkUs = now + Math.max(SHORTEST_REST_US, (now - startedUs) * REST_FACTOR);
  }

  #remember(id: number, path: string): void {
    this.#known.delete(id); // seen now: it becomes the youngest
    this.#known.set(id, parseCgroup(`0::${path}`));
    for (const oldest of this.#known.keys()) {
      if (this.#known.size <= MOST_KNOWN) return;
      this.#known.delete(oldest);
    }
  }
}
