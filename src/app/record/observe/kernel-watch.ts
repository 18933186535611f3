import type { ExitColumns, Process } from '../../../core/process.ts';
import { NO_UID, type SocketEventColumns } from '../../../core/socket.ts';
import { SECOND_US, type Us } from '../../../core/time.ts';
import type { Cgroup } from '../../../linux/cgroup.ts';
import { listPids } from '../../../linux/proc-fd.ts';
import type { ProcFs } from '../../../linux/proc-fs.ts';
import type { ScanReport } from '../messages.ts';
import { BpfFacts, sourceOfLayer } from './bpf-facts.ts';
import type { KernelReader } from './kernel-reader.ts';
import type { Learned } from './learned.ts';
import { NetnsBook } from './netns-book.ts';
import { ProcessBook } from './process-book.ts';
import { Snapshots } from './snapshots.ts';

/** Rests between two looks: while children of socket owners wait for theirs, and when nothing does. */
const SHORT_REST_MS = 20;
const LONG_REST_MS = 500; // a ring that fills up ends it
/** After lost events of processes all are read again, at most this often: 100 µs each. */
const REPRIME_US = 5 * SECOND_US;

export interface KernelWatchOptions {
  readonly reader: Pick<
    KernelReader,
    'layer' | 'takesSnapshots' | 'readProcesses' | 'readSockets' | 'snapshot' | 'readLost'
  >;
  readonly proc: ProcFs;
  readonly findCgroup: (id: number) => Cgroup | undefined;
  readonly ownNetns: { readonly cookie: number; readonly inode: number }; // 0: not known
  readonly nowUs: () => Us; // CLOCK_BOOTTIME
}

/** What a step learned beside rows. */
export interface KernelStep {
  readonly scan: ScanReport | null;
  readonly lost: { readonly fromUs: Us; readonly toUs: Us } | null;
}

/** Watches through the BPF programs: joins what they say of sockets with what they say of processes. */
export class KernelWatch {
  readonly #options: KernelWatchOptions;
  readonly #book: ProcessBook;
  readonly #netns = new NetnsBook();
  readonly #facts: BpfFacts;
  readonly #snapshots: Snapshots | undefined;
  #priming: Generator<void> | undefined;
  #nextPrimeUs: Us = 0;
  #checkedUs: Us;
  #lostSockets = 0;
  #lostProcesses = 0;

  constructor(options: KernelWatchOptions) {
    this.#options = options;
    const { reader, proc, findCgroup, ownNetns, nowUs } = options;
    this.#book = new ProcessBook({ proc, findCgroup, nowUs });
    this.#netns.learn(ownNetns.cookie, ownNetns.inode);
    this.#facts = new BpfFacts(this.#book, this.#netns, sourceOfLayer(reader.layer));
    this.#priming = this.#book.prime();
    this.#checkedUs = nowUs();
    if (!reader.takesSnapshots) return;
    this.#snapshots = new Snapshots({
      take: (pid, seenUs, sockets, holders) => reader.snapshot(pid, seenUs, sockets, holders),
      refer: (pid, startTicks, atUs) => this.#refer(pid, startTicks, atUs),
      takeHeirs: () => this.#book.takeHeirs(),
      nowUs,
    });
  }

  /** Who sends and receives is told by the kernel: nobody has to look. */
  get seesActors(): boolean {
    return this.#options.reader.layer === 'bpf';
  }

  /** Who holds which socket is told by snapshots. */
  get seesHolders(): boolean {
    return this.#snapshots !== undefined;
  }

  /** How long it may be left alone, in milliseconds. */
  get restMs(): number {
    if (this.#priming !== undefined) return 0;
    return this.#book.hasHeirs || this.#book.hasStale ? SHORT_REST_MS : LONG_REST_MS;
  }

  /** Events lost to full rings, since the start. */
  get lost(): number {
    return this.#lostSockets + this.#lostProcesses;
  }

  /** See BpfFacts. */
  hasOwner(key: Int32Array, sinceUs: Us): boolean {
    return this.#facts.hasOwner(key, sinceUs);
  }

  /** Events of sockets that another thread took out of their ring. */
  take(events: SocketEventColumns, out: Learned): void {
    this.#options.reader.readProcesses(this.#book); // births come before what the born do
    this.#facts.take(events, out);
  }

  /** Some socket has holders that nobody told of. */
  wantHolders(): void {
    this.#snapshots?.want();
  }

  /** Main was not told what it was to be told: what still holds is told again. */
  repeat(): void {
    this.#facts.repeat();
    this.#snapshots?.repeat();
  }

  /** Takes what others read of processes. */
  learn(processes: readonly Process[]): void {
    for (const process of processes) this.#book.learn(process);
  }

  /** Takes a list of all processes that others made. */
  takePids(pids: Uint32Array, listedUs: Us): void {
    this.#book.reconcile(pids, listedUs);
  }

  /** Serves what is due; works not much longer than `sliceUs`. */
  step(sliceUs: Us, out: Learned): KernelStep {
    const { reader, nowUs } = this.#options;
    reader.readProcesses(this.#book);
    const events = reader.readSockets();
    if (events !== undefined) this.take(events, out);
    this.#facts.retry(nowUs(), out);
    const lost = this.#checkLost();
    const startedUs = this.#snapshots?.step(this.#book.hasHeirs, out);
    const scan = startedUs === undefined ? null : this.#report(startedUs);
    this.#prime(nowUs() + sliceUs);
    this.#book.refresh(nowUs() + sliceUs);
    this.#book.forget(nowUs());
    return { scan, lost };
  }

  takeProcesses(): Process[] {
    return this.#book.takeChanged();
  }

  takeExits(): ExitColumns | undefined {
    return this.#book.takeExits();
  }

  #refer(pid: number, startTicks: number, atUs: Us): void {
    this.#book.refer({ pid, startTicks, atUs, uid: NO_UID, cgroupId: 0, isCurrent: false });
  }

  #prime(untilUs: Us): void {
    while (this.#priming !== undefined && this.#options.nowUs() < untilUs) {
      if (this.#priming.next().done === true) this.#priming = undefined;
    }
  }

  #checkLost(): KernelStep['lost'] {
    const now = this.#options.nowUs();
    const [sockets, processes] = this.#options.reader.readLost() as ArrayLike<number> as [number, number];
    const fromUs = this.#checkedUs;
    this.#checkedUs = now;
    if (processes > this.#lostProcesses && now >= this.#nextPrimeUs) {
      this.#lostProcesses = processes;
      this.#nextPrimeUs = now + REPRIME_US;
      this.#priming = this.#book.prime();
    }
    if (sockets === this.#lostSockets) return null;
    this.#lostSockets = sockets;
    this.#snapshots?.want();
    return { fromUs, toUs: now };
  }

  /** A snapshot sees all holders; who is there at all is asked of /proc. */
  #report(startedUs: Us): ScanReport {
    const listedUs = this.#options.nowUs();
    const pids = listPids(this.#options.proc);
    this.#book.reconcile(pids, listedUs);
    return { startedUs, isSnapshot: true, deniedUids: [], partlyDeniedUids: [], pids: Uint32Array.from(pids) };
  }
}
