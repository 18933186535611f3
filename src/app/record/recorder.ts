/** A recording: starts the threads, joins flows with facts each tick, hands both to the store. */
import { join } from 'node:path';
import { MessageChannel, MessagePort, Worker } from 'node:worker_threads';
import { Attributor, type OnAnswer } from '../../attribution/attributor.ts';
import { type ColumnSpec, type Columns, createColumns, sliceColumns, transferList } from '../../core/columns.ts';
import { UserError } from '../../core/errors.ts';
import { FLOW_COLUMNS } from '../../core/flow.ts';
import { HOLDER_COLUMNS } from '../../core/process.ts';
import { SOCKET_COLUMNS } from '../../core/socket.ts';
import type { CaptureCounters, CaptureInfo, Tick } from '../../core/tick.ts';
import { SECOND_US, type Us } from '../../core/time.ts';
import type { Native } from '../../native/binding.ts';
import type { CaptureThreadData } from './capture-thread.ts';
import { Clock } from './clock.ts';
import { ClockLog } from './clock-log.ts';
import type { InterfaceNames } from './interface-names.ts';
import type { CaptureReady, CaptureReport, FactsMessage, StoreCommand, StoreReport } from './messages.ts';
import type { ObserverThreadData } from './observer-thread.ts';
import type { SourceName } from './open-sources.ts';
import { SlicedWork } from './sliced-work.ts';
import type { StoreThreadData } from './store-thread.ts';
import { isFailure } from './thread.ts';
import { TickBuilder } from './tick-builder.ts';

const TICK_MS = 1000;
/** Sockets that no flow points at, and facts that nobody can use any more, are looked after this often. */
const HOUSEKEEPING_US = 5 * SECOND_US;
/** Ticks the store may be behind before the capture thread keeps its counters to itself. */
const MOST_UNWRITTEN = 8;
/** Rows that are worked on before the event loop may have its turn; an end is answered in some 20 µs. */
const SLICE_ROWS = 128;
const NO_SOCKETS = createColumns(SOCKET_COLUMNS, 1);
const NO_HOLDERS = createColumns(HOLDER_COLUMNS, 1);

export interface RecorderOptions {
  readonly capture: Omit<CaptureThreadData, 'commands' | 'fresh' | 'wakeFd' | 'observerWakeFd'>;
  readonly sources: readonly SourceName[];
  readonly database: string;
  readonly info: Omit<CaptureInfo, 'startedUs'>;
  readonly userName: (uid: number) => string | null;
  readonly interfaceNames: InterfaceNames;
  readonly onReady: () => void; // packets are captured, and the database is open
  readonly onProgress: (progress: Progress) => void;
  readonly onTrouble: (text: string) => void; // an interface that went down, a database that cannot be written
}

export interface Progress {
  readonly counters: CaptureCounters;
  readonly flows: number; // since the start
  readonly pendingEnds: number;
}

export class Recorder {
  readonly #options: RecorderOptions;
  readonly #native: Native;
  readonly #clock: Clock;
  readonly #attributor = new Attributor();
  readonly #builder: TickBuilder;
  readonly #onAnswer: OnAnswer = (serial, side, answer) => this.#builder.addAnswer(serial, side, answer);
  readonly #store: MessagePort;
  readonly #capture: MessagePort;
  readonly #observer: MessagePort;
  readonly #captureWakeFd: number;
  readonly #observerWakeFd: number;
  readonly #workers: Worker[] = [];
  readonly #work = new SlicedWork();
  readonly #clockLog = new ClockLog();
  #timer: NodeJS.Timeout | undefined;
  #waitsForCapture = false;
  #unwritten = 0;
  #factsLost = 0;
  #flows = 0;
  #housekeepingUs = 0;
  #lastReport: CaptureReport | undefined;
  #troubles = new Set<string>();
  #finish: (() => void) | undefined;
  #fail: ((error: Error) => void) | undefined;
  /** Settles when everything is stored, or rejects with what broke a thread. */
  readonly done: Promise<void>;

  constructor(native: Native, options: RecorderOptions) {
    this.#native = native;
    this.#options = options;
    this.#clock = new Clock(native);
    this.#builder = new TickBuilder(this.#attributor, options.userName);
    this.#captureWakeFd = native.wakeCreate();
    this.#observerWakeFd = native.wakeCreate();
    this.done = new Promise((resolve, reject) => {
      this.#finish = resolve;
      this.#fail = reject;
    });
    const fresh = new MessageChannel();
    const { database: path, sources } = options;
    this.#store = this.#start<StoreThreadData>('store-thread', { path });
    const observed = { sources, procRoot: '/proc', fresh: fresh.port2, wakeFd: this.#observerWakeFd };
    this.#observer = this.#start<ObserverThreadData>('observer-thread', observed);
    const wakes = { wakeFd: this.#captureWakeFd, observerWakeFd: this.#observerWakeFd };
    this.#capture = this.#start<CaptureThreadData>('capture-thread', {
      ...options.capture,
      ...wakes,
      fresh: fresh.port1,
    });
    this.#listen();
    this.#timer = setInterval(() => this.#drain(), TICK_MS);
  }

  /** Ends the capture, stores what is known and settles `done`. */
  stop(): void {
    if (this.#timer === undefined) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#command('stop');
  }

  #start<T extends { readonly commands: MessagePort }>(name: string, data: Omit<T, 'commands'>): MessagePort {
    const { port1, port2 } = new MessageChannel();
    const ports = [port2, ...Object.values(data).filter((value) => value instanceof MessagePort)];
    const worker = new Worker(join(__dirname, `${name}.cjs`), {
      workerData: { ...data, commands: port2 },
      transferList: ports,
    });
    worker.on('error', (error) => this.#fail?.(error));
    this.#workers.push(worker);
    return port1;
  }

  #listen(): void {
    const on = <M>(port: MessagePort, take: (message: M) => void): void => {
      port.on('message', (message: unknown) => {
        if (isFailure(message)) {
          const { code, message: text, hint } = message.failure;
          this.#abort(new UserError(code, text, hint));
        } else take(message as M);
      });
    };
    on<StoreReport>(this.#store, (report) => this.#takeStoreReport(report));
    on<FactsMessage>(this.#observer, (facts) => this.#work.add(this.#takeFacts(facts)));
    on<CaptureReady | CaptureReport>(this.#capture, (message) => {
      if ('ready' in message) this.#begin();
      else this.#work.add(this.#takeCapture(message));
    });
  }

  /** Capturing works: now a database may be made. */
  #begin(): void {
    this.#say({ kind: 'begin', info: { ...this.#options.info, startedUs: this.#wallUs() } });
  }

  /** One tick: ask the capture thread for its flows, unless it still owes an answer or the store is behind. */
  #drain(): void {
    if (!this.#waitsForCapture && this.#unwritten < MOST_UNWRITTEN) this.#command('drain');
  }

  #command(command: 'drain' | 'stop'): void {
    this.#waitsForCapture = true;
    this.#capture.postMessage(command);
    this.#native.wake(this.#captureWakeFd);
  }

  *#takeFacts(facts: FactsMessage): Generator<void> {
    const { sockets, holders } = facts;
    const nothing = { ...facts, sockets: NO_SOCKETS, holders: NO_HOLDERS, processes: [], scan: null, addresses: null };
    this.#attributor.observe({ ...nothing, processes: facts.processes, addresses: facts.addresses });
    for (const slice of slices(SOCKET_COLUMNS, sockets)) yield this.#attributor.observe({ ...nothing, sockets: slice });
    for (const slice of slices(HOLDER_COLUMNS, holders)) yield this.#attributor.observe({ ...nothing, holders: slice });
    this.#attributor.observe({ ...nothing, scan: facts.scan });
    this.#factsLost = facts.factsLost;
    if (facts.scan !== null) this.#builder.addScan(facts.scan.pids, facts.atUs);
    if (facts.last) yield* this.#end();
  }

  *#takeCapture(report: CaptureReport): Generator<void> {
    const { flows } = report;
    for (let i = 0; i < flows.count; i++) this.#flows = Math.max(this.#flows, flows.serial[i]!);
    this.#builder.offsetUs = report.offsetUs;
    for (const slice of slices(FLOW_COLUMNS, flows)) yield this.#attributor.addFlows(slice, this.#onAnswer);
    yield* this.#answer();
    yield* this.#keepHouse();
    this.#lastReport = report;
    this.#write(report);
    this.#tell(report);
    this.#waitsForCapture = false;
    if (!report.last) return;
    this.#observer.postMessage('stop');
    this.#native.wake(this.#observerWakeFd);
  }

  /** The observer has said its last: the ends that still waited get their final answers. */
  *#end(): Generator<void> {
    yield* this.#answer();
    yield* this.#builder.addSocketsStepwise(Infinity);
    if (this.#lastReport !== undefined) this.#write({ ...this.#lastReport, flows: createColumns(FLOW_COLUMNS, 1) });
    this.#say({ kind: 'end', endedUs: this.#wallUs() });
  }

  *#answer(): Generator<void> {
    while (this.#attributor.answer(this.#onAnswer, SLICE_ROWS)) yield;
  }

  *#keepHouse(): Generator<void> {
    const now = this.#clock.nowUs();
    if (now < this.#housekeepingUs) return;
    this.#housekeepingUs = now + HOUSEKEEPING_US;
    yield* this.#builder.addSocketsStepwise(now);
    this.#attributor.forget(now, (row) => this.#builder.forgetSocket(row));
  }

  #write(report: CaptureReport): void {
    const { flows, offsetUs } = report;
    const built = this.#builder.take();
    const counters = { ...report.counters, factsLost: this.#factsLost };
    const interfaces = report.interfaces.map((count) => ({
      ...count,
      name: this.#options.interfaceNames.get(count.ifindex),
    }));
    const clock = this.#clockLog.note(this.#clock.nowUs(), offsetUs);
    const tick: Tick = { ...built, flows, counters, interfaces, clock, atUs: this.#wallUs() };
    const moved = [flows, built.ends, built.sockets, built.holders].flatMap((columns) => transferList(columns));
    this.#unwritten++;
    this.#say({ kind: 'tick', tick }, moved);
  }

  #tell(report: CaptureReport): void {
    for (const text of report.troubles) if (!this.#troubles.has(text)) this.#options.onTrouble(text);
    this.#troubles = new Set(report.troubles);
    this.#options.onProgress({
      counters: report.counters,
      flows: this.#flows,
      pendingEnds: this.#attributor.pending.size,
    });
  }

  #takeStoreReport(report: StoreReport): void {
    if (report.kind === 'ready') this.#options.onReady();
    else if (report.kind === 'written') this.#unwritten--;
    else if (report.kind === 'retry') this.#options.onTrouble(report.message);
    else if (report.kind === 'closed') this.#close();
  }

  #say(command: StoreCommand, moved: ArrayBuffer[] = []): void {
    this.#store.postMessage(command, moved);
  }

  #abort(error: Error): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    for (const worker of this.#workers) void worker.terminate();
    this.#fail?.(error);
  }

  #close(): void {
    for (const port of [this.#store, this.#capture, this.#observer]) port.close();
    this.#native.closeFd(this.#captureWakeFd);
    this.#native.closeFd(this.#observerWakeFd);
    this.#finish?.();
  }

  #wallUs(): Us {
    this.#clock.read();
    return this.#clock.bootUs + this.#clock.offsetUs;
  }
}

function* slices<S extends ColumnSpec>(spec: S, columns: Columns<S>): Generator<Columns<S>> {
  for (let from = 0; from < columns.count; from += SLICE_ROWS) {
    yield sliceColumns(spec, columns, from, Math.min(from + SLICE_ROWS, columns.count));
  }
}
