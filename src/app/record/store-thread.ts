/** The store thread: the only writer of the database. Started by the recorder with StoreThreadData. */
import { type MessagePort, workerData } from 'node:worker_threads';
import { freeColumns } from '../../core/columns.ts';
import { UserError } from '../../core/errors.ts';
import { FlowFlag } from '../../core/flow.ts';
import type { CaptureInfo } from '../../core/tick.ts';
import type { Us } from '../../core/time.ts';
import { ProcFs } from '../../linux/proc-fs.ts';
import { type FlowStore, StoreBusy } from '../../store/flow-store.ts';
import type { Keep } from '../../store/retention.ts';
import type { StoreCommand, StoreReport } from './messages.ts';
import { openStore } from './open-store.ts';
import { PRUNE_BUDGET_MS, PRUNE_PAUSE_MS } from './prune-times.ts';
import { bugIn, reportFailure, runThread } from './thread.ts';

export interface StoreThreadData {
  readonly path: string;
  readonly commands: MessagePort;
  readonly keep: Keep;
}

const RETRY_MS = 1000;
/** A recording that ends does not wait for ever until there is room. */
const LAST_RETRY_MS = 300;
const LAST_TRIES = 2;
/** How often what is too old is looked for. */
const PRUNE_MS = 30_000;

class StoreThread {
  readonly #path: string;
  readonly #port: MessagePort;
  readonly #waiting: StoreCommand[] = [];
  #retry: NodeJS.Timeout | undefined;
  #lastTries = 0;
  #pruneTimer: NodeJS.Timeout | undefined;
  readonly #keep: Keep;
  #info: CaptureInfo | undefined;
  #store: FlowStore | undefined; // opened at 'begin': a capture that cannot start leaves no file behind

  constructor(data: StoreThreadData) {
    this.#path = data.path;
    this.#keep = data.keep;
    this.#port = data.commands;
    this.#port.on('message', (command: StoreCommand) => this.#take(command));
  }

  #say(report: StoreReport): void {
    this.#port.postMessage(report);
  }

  #take(command: StoreCommand): void {
    this.#waiting.push(command);
    if (command.kind === 'end') clearTimeout(this.#retry);
    if (command.kind === 'end' || this.#retry === undefined) this.#work();
  }

  /** In order, one after the other: what cannot be written now holds the later ones back. */
  #work(): void {
    this.#retry = undefined;
    while (this.#waiting.length > 0) {
      try {
        this.#do(this.#waiting[0]!);
      } catch (error) {
        if (error instanceof UserError) {
          reportFailure(this.#port, error);
          return;
        }
        if (!(error instanceof StoreBusy)) throw bugIn('the database cannot be written', error);
        const last = this.#waiting.at(-1);
        if (last?.kind === 'end' && ++this.#lastTries > LAST_TRIES) this.#giveUp(last.endedUs, error);
        else {
          this.#say({ kind: 'retry', message: error.message });
          this.#retry = setTimeout(() => this.#work(), last?.kind === 'end' ? LAST_RETRY_MS : RETRY_MS);
        }
        return;
      }
      this.#waiting.shift();
    }
  }

  /** What is stored stays as it is; what is not is counted. */
  #giveUp(endedUs: Us, { message }: StoreBusy): void {
    const flows = this.#waiting.reduce((sum, command) => sum + newFlowsOf(command), 0);
    try {
      if (this.#info !== undefined) this.#store?.endCapture(endedUs); // else not even its beginning could be stored
    } catch (error) {
      if (!(error instanceof StoreBusy)) throw error; // the next recording ends it
    }
    this.#close({ flows, message });
  }

  #close(lost: { readonly flows: number; readonly message: string } | null): void {
    clearTimeout(this.#pruneTimer);
    this.#store?.close();
    this.#say({ kind: 'closed', lost });
    this.#port.close();
  }

  #do(command: StoreCommand): void {
    if (command.kind === 'begin') {
      this.#store ??= openStore(this.#path, new ProcFs('/proc'));
      this.#store.beginCapture(command.info);
      this.#info = command.info;
      this.#pruneTimer ??= setTimeout(() => this.#prune(), PRUNE_PAUSE_MS);
      this.#say({ kind: 'ready' });
    } else if (command.kind === 'file') {
      const { command: words, version } = this.#info!;
      this.#store?.noteFiles({ atUs: Date.now() * 1000, command: words, version, files: [command.file] });
    } else if (command.kind === 'end') {
      this.#store?.endCapture(command.endedUs);
      this.#close(null);
    } else {
      this.#store?.write(command.tick);
      const { flows, ends, sockets, translations, holders, names } = command.tick;
      freeColumns(flows, ends, sockets, translations, holders, names.rows, names.flows);
      this.#say({ kind: 'written' });
    }
  }

  /** Only while nothing waits to be written: a store that is late has no time for it. */
  #prune(): void {
    let hasMore = true;
    try {
      const isFree = this.#waiting.length === 0;
      hasMore =
        !isFree || this.#store?.prune(this.#keep, Date.now() * 1000, () => performance.now(), PRUNE_BUDGET_MS) === true;
    } catch (error) {
      if (error instanceof UserError) {
        reportFailure(this.#port, error);
        return;
      }
      if (!(error instanceof StoreBusy)) throw bugIn('the database cannot be pruned', error);
      hasMore = false;
    }
    this.#pruneTimer = setTimeout(() => this.#prune(), hasMore ? PRUNE_PAUSE_MS : PRUNE_MS);
  }
}

function newFlowsOf(command: StoreCommand): number {
  if (command.kind !== 'tick') return 0;
  const { count, flags } = command.tick.flows;
  let news = 0;
  for (let i = 0; i < count; i++) if ((flags[i]! & FlowFlag.New) !== 0) news++;
  return news;
}

runThread(workerData as StoreThreadData, (data) => void new StoreThread(data));
