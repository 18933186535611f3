/** The BPF programs with a watch over them, and what it has told until now: for live tests. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Clock } from '../../src/app/record/clock.ts';
import { findCgroupRoot, openKernelPrograms } from '../../src/app/record/kernel-programs.ts';
import { createLearned } from '../../src/app/record/observe/learned.ts';
import { openKernelWatch } from '../../src/app/record/observe/open-kernel-watch.ts';
import type { Process } from '../../src/core/process.ts';
import { KEY_WORDS, keyFirstPort, keySecondPort } from '../../src/core/tuple.ts';
import { ProcFs } from '../../src/linux/proc-fs.ts';
import { loadNative } from '../../src/native/binding.ts';

const SLICE_US = 10_000;
const INTERVAL_MS = 20;

export interface ToldSocket {
  readonly cookie: number;
  readonly inode: number; // 0: not known
  readonly netns: number;
  readonly localPort: number;
  readonly remotePort: number;
}

export class KernelTold {
  readonly sockets: ToldSocket[] = []; // every row
  readonly owners = new Map<number, Set<string>>(); // by cookie: pid:startTicks
  readonly holders = new Map<number, Set<number>>(); // by inode: pids
  readonly processes = new Map<string, Process>(); // by pid:startTicks
  readonly ended = new Set<string>();
  readonly #programs = openKernelPrograms(loadNative(), findCgroupRoot(loadNative(), new ProcFs()), 'bpf');
  readonly #opened = openKernelWatch(loadNative(), this.#programs, true, new ProcFs(), new Clock(loadNative()).nowUs);

  /** Reads every process there is, as a recording does at its start. */
  constructor() {
    while (this.#opened.watch.restMs === 0) this.step();
  }

  get lost(): number {
    return this.#opened.watch.lost;
  }

  /** Watches until the promise is settled. */
  async until<T>(end: Promise<T>): Promise<T> {
    let isOver = false;
    const settled = end.finally(() => {
      isOver = true;
    });
    while (!isOver) {
      this.step();
      await sleep(INTERVAL_MS);
    }
    this.step();
    return settled;
  }

  step(): void {
    const { watch } = this.#opened;
    const learned = createLearned();
    watch.step(SLICE_US, learned);
    const { sockets, owners, holders } = learned;
    for (let i = 0; i < sockets.count; i++) {
      const [cookie, inode, netns] = [sockets.cookie[i]!, sockets.inode[i]!, sockets.netns[i]!];
      const at = i * KEY_WORDS;
      const localPort = keyFirstPort(sockets.key, at);
      this.sockets.push({ cookie, inode, netns, localPort, remotePort: keySecondPort(sockets.key, at) });
    }
    for (let i = 0; i < owners.count; i++) {
      addTo(this.owners, owners.cookie[i]!, `${owners.pid[i]}:${owners.startTicks[i]}`);
    }
    for (let i = 0; i < holders.count; i++) addTo(this.holders, holders.inode[i]!, holders.pid[i]!);
    for (const process of watch.takeProcesses()) this.processes.set(`${process.pid}:${process.startTicks}`, process);
    const exits = watch.takeExits();
    for (let i = 0; i < (exits?.count ?? 0); i++) this.ended.add(`${exits!.pid[i]}:${exits!.startTicks[i]}`);
  }

  close(): void {
    this.#opened.close();
    this.#programs.close();
  }
}

function addTo<K, V>(sets: Map<K, Set<V>>, key: K, value: V): void {
  sets.set(key, (sets.get(key) ?? new Set<V>()).add(value));
}
