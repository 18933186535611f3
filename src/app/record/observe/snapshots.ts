import { copyRow, createColumns } from '../../../core/columns.ts';
import { HOLDER_COLUMNS, type HolderColumns } from '../../../core/process.ts';
import { SOCKET_COLUMNS, type SocketColumns } from '../../../core/socket.ts';
import { SECOND_US, type Us } from '../../../core/time.ts';
import type { Learned } from './learned.ts';

/** Everything is listed this often: what holds a socket may have been passed on without a word. */
const PERIOD_US = 10 * SECOND_US;
/** Snapshots that something asks for: at most one in this time, and in a fiftieth of the time (2 %). */
const SHORTEST_REST_US = SECOND_US / 4;
const REST_FACTOR = 50;
/** Children that are looked at one by one, 50 µs each; of more of them everybody is. */
const MOST_SINGLE = 64;
const SINGLE_REST_US = SECOND_US / 50;
/** Pids are below 2^22 (pid_max); with an inode they make up one number. */
const PIDS = 2 ** 22;

export interface SnapshotOptions {
  /** Appends all rows of one process, or of all (pid 0). @returns 0 or -errno */
  readonly take: (pid: number, seenUs: Us, sockets: SocketColumns, holders: HolderColumns) => number;
  /** A row is sent: main must know its process. */
  readonly refer: (pid: number, startTicks: number, atUs: Us) => void;
  /** Pids of processes that may hold what others held a moment ago. */
  readonly takeHeirs: () => readonly number[];
  readonly nowUs: () => Us;
}

/** Decides when the kernel lists who holds which socket: at the start, after lost events, after forks, and now and then. */
export class Snapshots {
  readonly #options: SnapshotOptions;
  #known = new Set<number>(); // holdings that main was told of
  #isWanted = true;
  #nextUs: Us = 0; // earliest of all processes
  #periodicUs: Us = 0;
  #nextSingleUs: Us = 0;
  /** -errno of the last one that failed; 0: none did. */
  lastError = 0;

  constructor(options: SnapshotOptions) {
    this.#options = options;
  }

  /** Something may hold a socket that nobody told of. */
  want(): void {
    this.#isWanted = true;
  }

  /** The same, and main knows nothing any more. */
  repeat(): void {
    this.#known.clear();
    this.#isWanted = true;
  }

  /** Takes what is due. @returns when a snapshot of all processes began, undefined when there was none */
  step(hasHeirs: boolean, out: Learned): Us | undefined {
    const now = this.#options.nowUs();
    const isPeriodic = now >= this.#periodicUs;
    if (isPeriodic || (this.#isWanted && now >= this.#nextUs)) return this.#takeAll(now, isPeriodic, out);
    if (hasHeirs && now >= this.#nextSingleUs) this.#takeHeirs(now, out);
    return undefined;
  }

  #takeAll(now: Us, isPeriodic: boolean, out: Learned): Us | undefined {
    const sockets = createColumns(SOCKET_COLUMNS, 1024);
    const holders = createColumns(HOLDER_COLUMNS, 1024);
    const result = this.#options.take(0, now, sockets, holders);
    this.#isWanted = false;
    const tookUs = this.#options.nowUs() - now;
    this.#nextUs = now + Math.max(SHORTEST_REST_US, tookUs * REST_FACTOR);
    this.#periodicUs = now + Math.max(PERIOD_US, tookUs * REST_FACTOR);
    if (result < 0) {
      this.lastError = result;
      return undefined;
    }
    const before = this.#known;
    this.#known = new Set();
    this.#tell(sockets, holders, (holding) => isPeriodic || !before.has(holding), now, out);
    return now;
  }

  #takeHeirs(now: Us, out: Learned): void {
    const heirs = this.#options.takeHeirs();
    if (heirs.length > MOST_SINGLE) this.#isWanted = true;
    else {
      const sockets = createColumns(SOCKET_COLUMNS);
      const holders = createColumns(HOLDER_COLUMNS);
      const failed = heirs.some((pid) => this.#options.take(pid, now, sockets, holders) < 0);
      this.#isWanted ||= failed;
      this.#tell(sockets, holders, (holding) => !this.#known.has(holding), now, out);
    }
    const tookUs = this.#options.nowUs() - now;
    this.#nextSingleUs = now + Math.max(SINGLE_REST_US, tookUs * REST_FACTOR);
  }

  /** Appends the rows that are news; a socket once, however many hold it. */
  #tell(
    sockets: SocketColumns,
    holders: HolderColumns,
    isNews: (holding: number) => boolean,
    now: Us,
    out: Learned,
  ): void {
    const told = new Set<number>(); // cookies
    for (let i = 0; i < holders.count; i++) {
      const holding = holders.inode[i]! * PIDS + holders.pid[i]!;
      const news = isNews(holding);
      this.#known.add(holding);
      if (!news) continue;
      copyRow(HOLDER_COLUMNS, holders, i, out.holders);
      this.#options.refer(holders.pid[i]!, holders.startTicks[i]!, now);
      if (told.has(sockets.cookie[i]!)) continue;
      told.add(sockets.cookie[i]!);
      copyRow(SOCKET_COLUMNS, sockets, i, out.sockets);
    }
  }
}
