/** The store thread: the only writer of the database. Started by the recorder with StoreThreadData. */
import { type MessagePort, workerData } from 'node:worker_threads';
import { ProcFs } from '../linux/proc-fs.ts';
import { type FlowStore, StoreBusy } from '../store/flow-store.ts';
import type { StoreCommand, StoreReport } from './messages.ts';
import { openStore } from './open-store.ts';
import { runThread } from './thread.ts';

export interface StoreThreadData {
  readonly path: string;
  readonly commands: MessagePort;
}

const RETRY_MS = 1000;

class StoreThread {
  readonly #store: FlowStore;
  readonly #port: MessagePort;
  readonly #waiting: StoreCommand[] = [];
  #retry: NodeJS.Timeout | undefined;

  constructor(data: StoreThreadData) {
    this.#port = data.commands;
    this.#store = openStore(data.path, new ProcFs('/proc'));
    this.#port.on('message', (command: StoreCommand) => this.#take(command));
    this.#say({ kind: 'ready' });
  }

  #say(report: StoreReport): void {
    this.#port.postMessage(report);
  }

  #take(command: StoreCommand): void {
    this.#waiting.push(command);
    if (this.#retry === undefined) this.#work();
  }

  /** In order, one after the other: what cannot be written now holds the later ones back. */
  #work(): void {
    this.#retry = undefined;
    while (this.#waiting.length > 0) {
      try {
        this.#do(this.#waiting[0]!);
      } catch (error) {
        if (!(error instanceof StoreBusy)) throw new Error(`the database cannot be written: ${String(error)}`); // a SqliteError loses its text between threads
        this.#say({ kind: 'retry', message: error.message });
        this.#retry = setTimeout(() => this.#work(), RETRY_MS);
        return;
      }
      this.#waiting.shift();
    }
  }

  #do(command: StoreCommand): void {
    if (command.kind === 'begin') this.#store.beginCapture(command.info);
    else if (command.kind === 'end') this.#close(command.endedUs);
    else {
      this.#store.write(command.tick);
      this.#say({ kind: 'written' });
    }
  }

  #close(endedUs: number): void {
    this.#store.endCapture(endedUs);
    this.#store.close();
    this.#say({ kind: 'closed' });
    this.#port.close();
  }
}

runThread(workerData as StoreThreadData, (data) => void new StoreThread(data));
