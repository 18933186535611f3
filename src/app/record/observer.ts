import { isLoopback } from '../../core/address.ts';
import { createColumns } from '../../core/columns.ts';
import type { FreshColumns } from '../../core/flow.ts';
import { HOLDER_COLUMNS, type HolderColumns, type Process } from '../../core/process.ts';
import { SOCKET_COLUMNS, type SocketColumns, SocketState } from '../../core/socket.ts';
import { SECOND_US, type Us } from '../../core/time.ts';
import { K_FIRST, KEY_WORDS, reverseKey } from '../../core/tuple.ts';
import { hasChildren } from '../../linux/proc-children.ts';
import type { ProcFs } from '../../linux/proc-fs.ts';
import { readProcess } from '../../linux/proc-pid.ts';
import { HolderScan } from './holder-scan.ts';
import { CONFIRMING_LOOK, LookAgain } from './look-again.ts';
import type { FactsMessage } from './messages.ts';
import type { SocketSource } from './socket-source.ts';

/** Longest piece of a scan between two looks at the queue of new flows. */
const SLICE_US = 3_000;
const SHORT_REST_MS = 10;
const LONG_REST_MS = 50;
const ADDRESS_PERIOD_US = 2 * SECOND_US;
/** What a process is called changes by exec; it is read again this often while it holds sockets. */
const REREAD_US = 5 * SECOND_US;

export interface Addresses {
  readonly unicast: readonly Int32Array[];
  readonly broadcast: readonly Int32Array[];
}

export interface ObserverOptions {
  readonly proc: ProcFs;
  readonly sources: readonly SocketSource[]; // strongest first
  readonly readAddresses: () => Addresses;
  readonly nowUs: () => Us; // CLOCK_BOOTTIME
}

/**
 * Keeps watching sockets and processes, and answers new flows at once: one step() serves what is due and
 * returns the facts it learned. It never sleeps; its thread does, between two steps.
 */
export class Observer {
  readonly #options: ObserverOptions;
  readonly #scan: HolderScan;
  readonly #readUs = new Map<number, Us>(); // pid -> when its process was last read
  #sockets: SocketColumns = createColumns(SOCKET_COLUMNS);
  #holders: HolderColumns = createColumns(HOLDER_COLUMNS);
  readonly #key = new Int32Array(KEY_WORDS);
  readonly #again = new LookAgain();
  #local = new Set<string>();
  #addressesText = '';
  #addressesDueUs = 0;

  constructor(options: ObserverOptions) {
    this.#options = options;
    this.#scan = new HolderScan(options.proc, options.nowUs);
  }

  /** How long the thread may sleep when no event comes, in milliseconds. */
  get restMs(): number {
    if (this.#scan.isRunning) return 0;
    return this.hasWishes ? SHORT_REST_MS : LONG_REST_MS;
  }

  /** Some socket, or its holders, are still being looked for. */
  get hasWishes(): boolean {
    return this.#scan.isRunning || this.#scan.hasWishes || this.#again.size > 0;
  }

  /** Looks up both ends of flows that just began, while their sockets are (most likely) still there. */
  serveFresh(fresh: FreshColumns): void {
    for (let i = 0; i < fresh.count; i++) {
      const at = i * KEY_WORDS;
      this.#key.set(fresh.key.subarray(at, at + KEY_WORDS));
      this.#lookUp(this.#key, 1);
      reverseKey(fresh.key, at, this.#key, 0);
      this.#lookUp(this.#key, 1);
    }
  }

  #lookUp(key: Int32Array, looks: number): void {
    if (!isLoopback(key, K_FIRST) && !this.#local.has(addressKey(key, K_FIRST))) return;
    const sockets = this.#sockets;
    const before = sockets.count;
    for (const source of this.#options.sources) if (source.find(key, sockets)) break;
    for (let row = before; row < sockets.count; row++) this.#scan.want(sockets.inode[row]!, this.#holders);
    const settled = sockets.count > before && !isUnaccepted(sockets, before);
    const now = this.#options.nowUs();
    if (!settled) this.#again.add(key, looks, now);
    else if (looks < CONFIRMING_LOOK) this.#again.add(key, CONFIRMING_LOOK - 1, now);
  }

  /** Serves what is due now; undefined when nothing was learned. */
  step(last: 'last' | 'more' = 'more'): FactsMessage | undefined {
    const now = this.#options.nowUs();
    this.#again.takeDue(now, this.#key, (key, looks) => this.#lookUp(key, looks));
    const addresses = now >= this.#addressesDueUs ? this.#changedAddresses(now) : null;
    for (const source of this.#options.sources) this.#poll(source);
    this.#scan.lookLater(this.#holders);
    const result = this.#scan.step(SLICE_US);
    const holders = this.#takeHolders(result?.holders);
    const sockets = this.#sockets;
    const learned = sockets.count > 0 || holders.count > 0 || addresses !== null || result !== undefined;
    if (!learned && last === 'more') return undefined;
    this.#sockets = createColumns(SOCKET_COLUMNS);
    const factsLost = this.#options.sources.reduce((sum, source) => sum + source.lost, 0);
    const processes = this.#readProcesses(holders, now);
    return {
      atUs: now,
      sockets,
      holders,
      processes,
      scan: result?.report ?? null,
      addresses,
      factsLost,
      last: last === 'last',
    };
  }

  #poll(source: SocketSource): void {
    const before = this.#sockets.count;
    const wantsOwners = source.poll(this.#sockets);
    if (!wantsOwners) return;
    for (let row = before; row < this.#sockets.count; row++) this.#scan.wantNew(this.#sockets.inode[row]!);
  }

  #changedAddresses(now: Us): Addresses | null {
    this.#addressesDueUs = now + ADDRESS_PERIOD_US;
    const addresses = this.#options.readAddresses();
    const all = [...addresses.unicast, ...addresses.broadcast].map((words) => addressKey(words, 0));
    const text = all.join();
    if (text === this.#addressesText) return null;
    this.#addressesText = text;
    this.#local = new Set(all);
    return addresses;
  }

  #takeHolders(scanned: HolderColumns | undefined): HolderColumns {
    const checked = this.#holders;
    this.#holders = createColumns(HOLDER_COLUMNS); // the old ones are transferred
    if (scanned === undefined) return checked;
    return checked.count === 0 ? scanned : concatHolders(checked, scanned);
  }

  /** Holders' processes, read when they are new or may have changed; a listener's fork must not be missed. */
  #readProcesses(holders: HolderColumns, now: Us): readonly Process[] {
    const { proc } = this.#options;
    const processes: Process[] = [];
    const pids = new Set(holders.pid.subarray(0, holders.count));
    for (const pid of pids) {
      if (holders.count > pids.size * 8 && now - (this.#readUs.get(pid) ?? 0) < REREAD_US) continue;
      this.#readUs.set(pid, now);
      const process = readProcess(proc, pid);
      if (process === undefined) continue;
      const parent = this.#scan.findings.parents.has(pid) || hasChildren(proc, pid) === true;
      processes.push(parent ? { ...process, forked: true } : process);
    }
    return processes;
  }
}

/** No process has the connection yet: it has an inode from accept() on. */
function isUnaccepted(sockets: SocketColumns, row: number): boolean {
  const state = sockets.state[row]!;
  const open = state === SocketState.SynRecv || state === SocketState.Established || state === SocketState.CloseWait;
  return sockets.inode[row] === 0 && open;
}

function addressKey(words: Int32Array, at: number): string {
  return `${words[at]},${words[at + 1]},${words[at + 2]},${words[at + 3]}`;
}

function concatHolders(a: HolderColumns, b: HolderColumns): HolderColumns {
  const all = createColumns(HOLDER_COLUMNS, a.count + b.count);
  for (const name of ['inode', 'pid', 'startTicks', 'fd', 'seenUs'] as const) {
    all[name].set(a[name].subarray(0, a.count));
    all[name].set(b[name].subarray(0, b.count), a.count);
  }
  all.count = a.count + b.count;
  return all;
}
