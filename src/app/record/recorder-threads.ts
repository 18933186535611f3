import { join } from 'node:path';
import { MessageChannel, MessagePort, Worker } from 'node:worker_threads';
import { UserError } from '../../core/errors.ts';
import type { Native } from '../../native/binding.ts';
import type { Keep } from '../../store/retention.ts';
import type { CaptureThreadData } from './capture/capture-thread.ts';
import { FactBacklog } from './fact-backlog.ts';
import type { KernelPrograms } from './kernel-programs.ts';
import type {
  CaptureCommand,
  CaptureReady,
  CaptureReport,
  FactsMessage,
  StoreCommand,
  StoreReport,
} from './messages.ts';
import { startNoCapture } from './no-capture.ts';
import type { NewbornThreadData } from './observe/newborn-thread.ts';
import type { ObserverThreadData } from './observe/observer-thread.ts';
import type { SourceName } from './observe/open-sources.ts';
import type { StoreThreadData } from './store-thread.ts';
import { isFailure } from './thread.ts';
import { PacketRing } from './write/packet-ring.ts';
import { type WriteOptions, WriterLink, type WriterListeners } from './write/writer-link.ts';
import type { WriterThreadData } from './write/writer-thread.ts';

/**
 * V8 lets the room for new objects grow to 48 MB a thread as soon as a few of them live longer. Ours die within a batch or
 * live for minutes, in columns outside of it: 3 MB cost no more CPU. For the main thread see privileges.ts.
 */
const YOUNG_MB = 3;

export interface ThreadOptions {
  readonly capture: Pick<CaptureThreadData, 'capture' | 'places'> | null; // null: only sockets
  readonly ownNetns: number; // inode, 0: not known
  readonly programs: KernelPrograms | null;
  readonly sources: readonly SourceName[];
  readonly database: string;
  readonly keep: Keep;
  readonly write: WriteOptions | null;
}

/** Who takes what the threads say. */
export interface ThreadListeners extends Omit<WriterListeners, 'onWhole'> {
  readonly onStore: (report: StoreReport) => void;
  readonly onFacts: (facts: FactsMessage) => void;
  readonly onCapture: (message: CaptureReady | CaptureReport) => void;
  readonly onFailure: (error: Error) => void; // a thread cannot begin, or broke
}

/** The threads of a recording and the ports to them. */
export class RecorderThreads {
  readonly factBacklog = new FactBacklog(); // who has taken facts says so there
  readonly writer: WriterLink; // of packets
  readonly #native: Native;
  readonly #listeners: ThreadListeners;
  readonly #workers: Worker[] = [];
  readonly #captureWakeFd: number;
  readonly #observerWakeFd: number;
  readonly #newbornStopFd: number;
  readonly #store: MessagePort;
  readonly #capture: MessagePort;
  readonly #observer: MessagePort;

  constructor(native: Native, options: ThreadOptions, listeners: ThreadListeners) {
    this.#native = native;
    this.#listeners = listeners;
    this.#captureWakeFd = native.wakeCreate();
    this.#observerWakeFd = native.wakeCreate();
    this.#newbornStopFd = native.wakeCreate();
    const { programs, database, keep, sources, capture, write, ownNetns } = options;
    const news = new MessageChannel();
    this.#store = this.#start<StoreThreadData>('store-thread', { path: database, keep });
    const looksUp = programs?.layer !== 'bpf';
    const newborns = looksUp && sources.includes('diag') ? this.#startNewborns() : null;
    this.#observer = this.#start<ObserverThreadData>('observer-thread', {
      sources,
      programs: programs === null ? null : withoutClose(programs),
      isAlone: capture === null,
      procRoot: '/proc',
      newborns,
      news: news.port2,
      wakeFd: this.#observerWakeFd,
      backlog: this.factBacklog.shared,
    });
    const packets = write === null ? null : new PacketRing().shared;
    this.writer = this.#startWriter(write, packets, ownNetns);
    const channel = { wakeFd: this.#captureWakeFd, observerWakeFd: this.#observerWakeFd, news: news.port1 };
    this.#capture =
      capture === null
        ? this.#startNoCapture(ownNetns)
        : this.#start<CaptureThreadData>('capture-thread', {
            ...{ ...capture, ...channel, ownNetns, packets, looksUp },
            socketRing: programs?.socketRing ?? null,
          });
    this.#listen(this.#store, listeners.onStore);
    this.#listen(this.#observer, listeners.onFacts);
    this.#listen(this.#capture, listeners.onCapture);
  }

  tellStore(command: StoreCommand, moved: ArrayBuffer[] = []): void {
    this.#store.postMessage(command, moved);
  }

  tellCapture(command: CaptureCommand): void {
    this.#capture.postMessage(command);
    this.#native.wake(this.#captureWakeFd);
  }

  stopObserver(): void {
    this.#native.wake(this.#newbornStopFd);
    this.#observer.postMessage('stop');
    this.#native.wake(this.#observerWakeFd);
  }

  /** When all of them have ended. */
  close(): void {
    for (const port of [this.#store, this.#capture, this.#observer]) port.close();
    this.writer.close();
    this.#native.closeFd(this.#captureWakeFd);
    this.#native.closeFd(this.#observerWakeFd);
    this.#native.closeFd(this.#newbornStopFd);
  }

  abort(): void {
    for (const worker of this.#workers) void worker.terminate();
  }

  #startNoCapture(ownNetns: number): MessagePort {
    const { port1, port2 } = new MessageChannel();
    startNoCapture(this.#native, port2, ownNetns);
    return port1;
  }

  #startNewborns(): MessagePort {
    return this.#start<NewbornThreadData>('newborn-thread', {
      procRoot: '/proc',
      stopFd: this.#newbornStopFd,
      observerWakeFd: this.#observerWakeFd,
    });
  }

  #startWriter(write: WriteOptions | null, ring: SharedArrayBuffer | null, ownNetns: number): WriterLink {
    const isWanted = write !== null && ring !== null;
    const port = isWanted ? this.#start<WriterThreadData>('writer-thread', { ...write, ring }) : null;
    const onWhole: WriterListeners['onWhole'] = (file) => this.tellStore({ kind: 'file', file });
    const link = new WriterLink(port, ownNetns, { ...this.#listeners, onWhole });
    if (port !== null) this.#listen(port, link.take);
    return link;
  }

  #start<T extends { readonly commands: MessagePort }>(name: string, data: Omit<T, 'commands'>): MessagePort {
    const { port1, port2 } = new MessageChannel();
    const ports = [port2, ...Object.values(data).filter((value) => value instanceof MessagePort)];
    const worker = new Worker(join(__dirname, `${name}.cjs`), {
      workerData: { ...data, commands: port2 },
      transferList: ports,
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB },
    });
    worker.on('error', (error) => this.#listeners.onFailure(error));
    this.#workers.push(worker);
    return port1;
  }

  #listen<M>(port: MessagePort, take: (message: M) => void): void {
    port.on('message', (message: unknown) => {
      if (isFailure(message)) {
        const { code, message: text, hint } = message.failure;
        this.#listeners.onFailure(new UserError(code, text, hint));
      } else take(message as M);
    });
  }
}

/** What may be sent to a thread. */
function withoutClose({ close: _, ...programs }: KernelPrograms): Omit<KernelPrograms, 'close'> {
  return programs;
}
