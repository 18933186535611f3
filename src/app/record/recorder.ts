/** A recording: starts the threads, joins flows with facts each tick, hands both to the store. */
import { Attributor, type OnAnswer } from '../../attribution/attributor.ts';
import { seeStillOpen } from '../../attribution/still-open.ts';
import { columnSlices, createColumns, freeColumns, transferList } from '../../core/columns.ts';
import { FLOW_COLUMNS } from '../../core/flow.ts';
import { HOLDER_COLUMNS } from '../../core/process.ts';
import { CLOSED_COLUMNS, OWNER_COLUMNS, SOCKET_COLUMNS } from '../../core/socket.ts';
import type { CaptureCounters, Tick } from '../../core/tick.ts';
import { SECOND_US, type Us } from '../../core/time.ts';
import { TRANSLATION_HISTORY_COLUMNS } from '../../core/translation.ts';
import type { Native } from '../../native/binding.ts';
import { Clock } from './clock.ts';
import { ClockLog } from './clock-log.ts';
import { addressesIn, FollowedPlaces } from './followed-places.ts';
import { Housekeeping } from './housekeeping.ts';
import type { CaptureReport, FactsMessage, StoreReport, WriterCounts } from './messages.ts';
import { NO_FACTS } from './no-facts.ts';
import { SlicedWork } from './observe/sliced-work.ts';
import { QuietTicks } from './quiet-ticks.ts';
import type { RecorderOptions } from './recorder-options.ts';
import { RecorderThreads } from './recorder-threads.ts';
import { againWords, lostWords, stuckWords } from './store-words.ts';
import { TickBuilder } from './tick-builder.ts';
import { toTimeOfDay } from './translation-log.ts';

const TICK_MS = 1000;
/** While packets wait for their owners, a second at most. */
const HASTY_TICK_MS = 500;
/** How often namespaces that came or went are looked for. */
const PLACES_MS = 500;
/** Ticks the store may be behind before the capture thread keeps its counters to itself. */
const MOST_UNWRITTEN = 8;
/** Rows that are worked on before the event loop may have its turn; an end is answered in some 20 µs. */
const SLICE_ROWS = 128;
/** Without flows nobody asks for a socket that is closed: once what may come late has come, it is stored and forgotten. */
const KEEP_CLOSED_US = SECOND_US;

/** In place of what a report had, which was written already. */
const nothingNew = () => ({
  flows: createColumns(FLOW_COLUMNS, 1),
  translations: createColumns(TRANSLATION_HISTORY_COLUMNS, 1),
});

export class Recorder {
  readonly #options: RecorderOptions;
  readonly #threads: RecorderThreads;
  readonly #clock: Clock;
  readonly #attributor: Attributor;
  readonly #builder: TickBuilder;
  readonly #house: Housekeeping;
  readonly #onAnswer: OnAnswer = (serial, side, answer) => this.#builder.addAnswer(serial, side, answer);
  readonly #work = new SlicedWork();
  readonly #clockLog = new ClockLog();
  readonly #quietTicks: QuietTicks;
  #timer: NodeJS.Timeout | undefined;
  #placesTimer: NodeJS.Timeout | undefined;
  readonly #places: FollowedPlaces;
  readonly #speaking = new Set(['capture', 'observer']);
  #begun: Promise<void> | undefined; // set when the capture thread is ready; the store knows nothing before it settles
  #waitsForCapture = false;
  #unwritten = 0;
  #storeIsStuck = false;
  #losses: Pick<FactsMessage, 'factsLost' | 'looksSkipped'> = { factsLost: 0, looksSkipped: 0 };
  #flows = 0;
  #lastReport: CaptureReport | undefined;
  #troubles = new Set<string>();
  written: WriterCounts | null = null; // what became of the packets, once `done` has settled
  #finish: (() => void) | undefined;
  #fail: ((error: Error) => void) | undefined;
  /** Settles when everything is stored, or rejects with what broke a thread. */
  readonly done: Promise<void>;

  constructor(native: Native, options: RecorderOptions) {
    this.#options = options;
    this.#clock = new Clock(native);
    this.#quietTicks = new QuietTicks(options.everyTick);
    const keepClosedUs = options.capture === null ? KEEP_CLOSED_US : undefined;
    this.#attributor = new Attributor(options.info.netns, options.programs !== null, keepClosedUs);
    this.#builder = new TickBuilder(this.#attributor, options);
    this.#house = new Housekeeping(this.#attributor, this.#builder);
    this.done = new Promise((resolve, reject) => {
      this.#finish = resolve;
      this.#fail = reject;
    });
    const readAddresses = (netnsPath: string) => addressesIn(native, netnsPath);
    this.#places = new FollowedPlaces(options.places ?? (() => []), readAddresses, this.#attributor.addresses);
    this.#places.look(this.#clock.nowUs());
    const capture = options.capture === null ? null : { capture: options.capture, places: this.#places.now };
    this.#threads = new RecorderThreads(
      native,
      { ...options, capture, ownNetns: options.info.netns },
      {
        onStore: (report) => this.#takeStoreReport(report),
        onTrouble: options.onTrouble,
        onUnread: () => this.stop(),
        onFacts: (facts) => this.#work.add(this.#takeFacts(facts)),
        onCapture: (message) => {
          if ('ready' in message) this.#begun = this.#begin();
          else void this.#begun!.then(() => this.#work.add(this.#takeCapture(message)));
        },
        onFailure: (error) => this.#abort(error),
      },
    );
    this.#timer = setInterval(() => this.#drain(), options.write === null ? TICK_MS : HASTY_TICK_MS);
    if (options.places !== null) this.#placesTimer = setInterval(() => this.#followPlaces(), PLACES_MS);
  }

  /** Ends the capture, stores what is known and settles `done`. */
  stop(): void {
    if (this.#timer === undefined) return;
    this.#clearTimers();
    this.#command('stop');
    if (this.#options.capture === null) this.#threads.stopObserver(); // no last flow may need what it would still learn
  }

  #clearTimers(): void {
    clearInterval(this.#timer);
    clearInterval(this.#placesTimer);
    this.#timer = undefined;
  }

  /** Capturing works: now files may be made. */
  async #begin(): Promise<void> {
    await this.#threads.writer.begin();
    this.#options.kernelOctets.begin();
    this.#threads.tellStore({ kind: 'begin', info: { ...this.#options.info, startedUs: this.#wallUs() } });
  }

  /** One tick: ask the capture thread for its flows, unless it still owes an answer or the store is behind. */
  #drain(): void {
    if (!this.#waitsForCapture && !this.#isBehind) this.#command('drain');
  }

  get #isBehind(): boolean {
    return this.#unwritten >= MOST_UNWRITTEN;
  }

  /** Tells the capture thread when namespaces came or went. */
  #followPlaces(): void {
    if (this.#places.look(this.#clock.nowUs())) this.#threads.tellCapture({ places: this.#places.now });
  }

  #command(command: 'drain' | 'stop'): void {
    this.#waitsForCapture = true;
    this.#threads.tellCapture(command);
  }

  *#takeFacts(facts: FactsMessage): Generator<void> {
    const { sockets, holders } = facts;
    const nothing = { ...NO_FACTS, atUs: facts.atUs };
    const { processes, addresses, owners, closed, lost } = facts;
    this.#attributor.observe({ ...nothing, processes, addresses });
    for (const slice of columnSlices(SOCKET_COLUMNS, sockets, SLICE_ROWS))
      yield this.#attributor.observe({ ...nothing, sockets: slice });
    for (const slice of columnSlices(OWNER_COLUMNS, owners, SLICE_ROWS))
      yield this.#attributor.observe({ ...nothing, owners: slice });
    for (const slice of columnSlices(HOLDER_COLUMNS, holders, SLICE_ROWS))
      yield this.#attributor.observe({ ...nothing, holders: slice });
    for (const slice of columnSlices(CLOSED_COLUMNS, closed, SLICE_ROWS))
      yield this.#attributor.observe({ ...nothing, closed: slice });
    this.#attributor.observe({ ...nothing, lost, scan: facts.scan });
    this.#losses = { factsLost: facts.factsLost, looksSkipped: facts.looksSkipped };
    this.#builder.processes.addExits(facts.exits);
    if (facts.scan !== null) this.#builder.processes.addScan(facts.scan.pids, facts.atUs);
    this.#threads.factBacklog.taken(facts);
    freeColumns(sockets, owners, holders, closed, facts.exits);
    if (this.#isBehind && !this.#waitsForCapture) yield* this.#makeRoom(facts.atUs);
    if (!facts.last) return;
    seeStillOpen(this.#attributor, facts.atUs);
    yield* this.#endAfter('observer');
  }

  *#takeCapture(report: CaptureReport): Generator<void> {
    const { flows } = report;
    for (let i = 0; i < flows.count; i++) this.#flows = Math.max(this.#flows, flows.serial[i]!);
    this.#builder.clock.note(report.atUs, report.offsetUs);
    this.#builder.hostNames.watch(flows);
    this.#builder.hostNames.add(report.names);
    for (const slice of columnSlices(FLOW_COLUMNS, flows, SLICE_ROWS)) {
      yield this.#attributor.addFlows(slice, this.#onAnswer);
      yield* this.#answer(); // ends with a final answer make room for those of the next slice
    }
    yield* this.#answer();
    if (!report.last) yield* this.#house.keep(report.atUs);
    this.#lastReport = report;
    this.#write(report);
    this.#tell(report);
    this.#waitsForCapture = false;
    if (!report.last) return;
    if (this.#options.capture !== null) this.#threads.stopObserver();
    yield* this.#endAfter('capture');
  }

  /** When both have said their last, the ends that still waited get their final answers. */
  *#endAfter(thread: 'capture' | 'observer'): Generator<void> {
    this.#speaking.delete(thread);
    const last = this.#lastReport;
    if (this.#speaking.size > 0 || last === undefined) return;
    yield* this.#answer();
    const withoutFlows = (): CaptureReport => ({ ...last, ...nothingNew() });
    while (yield* this.#builder.addSocketsStepwise(Infinity)) this.#write(withoutFlows());
    this.#write(withoutFlows(), true);
    this.#tell(last);
    this.#threads.writer.end();
    void this.#threads.writer.closed.then(() => this.#threads.tellStore({ kind: 'end', endedUs: this.#wallUs() }));
  }

  *#answer(): Generator<void> {
    while (this.#attributor.answer(this.#onAnswer, SLICE_ROWS)) yield;
  }

  /** While nothing is drained, facts would become more and more. */
  *#makeRoom(now: Us): Generator<void> {
    if (!this.#house.isCrowded(now)) return;
    yield* this.#answer(); // what is known still has its facts
    yield* this.#house.makeRoom(now);
  }

  #write(report: CaptureReport, isLast = false): void {
    const counters = this.#countersOf(report);
    const hasRows = this.#builder.hasRows || this.#places.hasFresh || report.translations.count > 0;
    if (!this.#quietTicks.isDue({ ...report, counters }, hasRows)) return;
    const { flows, offsetUs } = report;
    const translations = toTimeOfDay(report.translations, (bootUs) => this.#builder.clock.wallUs(bootUs));
    const { kernelOctets, interfaceNames, info } = this.#options;
    if (!isLast) kernelOctets.read();
    const built = this.#builder.take(isLast);
    const interfaces = report.interfaces.map((count) => ({
      ...count,
      name: interfaceNames.get(count.netns, count.ifindex),
      kernelBytes: count.netns === info.netns ? kernelOctets.of(count.ifindex) : null,
    }));
    this.#threads.writer.tell(built, flows, interfaces, this.#places.now, counters);
    const clock = this.#clockLog.note(this.#clock.nowUs(), offsetUs);
    const atUs = this.#wallUs();
    const namespaces = this.#places.takeFresh().map(({ inode, name }) => ({ inode, cookie: null, name }));
    const tick: Tick = { ...built, namespaces, flows, translations, counters, interfaces, clock, atUs };
    const { names } = built;
    const moved = [flows, translations, built.ends, built.sockets, built.holders, names.rows, names.flows].flatMap(
      (columns) => transferList(columns),
    );
    this.#unwritten++;
    this.#threads.tellStore({ kind: 'tick', tick }, moved);
  }

  #countersOf({ counters, translationsLost }: CaptureReport): CaptureCounters {
    const { factsLost, looksSkipped } = this.#losses;
    return { ...counters, looksSkipped, factsLost: factsLost + this.#house.forgotten + translationsLost };
  }

  #tell(report: CaptureReport): void {
    for (const text of report.troubles) if (!this.#troubles.has(text)) this.#options.onTrouble(text);
    this.#troubles = new Set(report.troubles);
    this.#options.onProgress({
      counters: this.#countersOf(report),
      flows: this.#flows,
      sockets: this.#builder.socketCount,
    });
  }

  #takeStoreReport(report: StoreReport): void {
    if (report.kind === 'ready') this.#options.onReady();
    else if (report.kind === 'written') {
      this.#unwritten--;
      if (this.#storeIsStuck) this.#options.onTrouble(againWords(this.#house.takeForgotten()));
      this.#storeIsStuck = false;
    } else if (report.kind === 'retry') {
      if (!this.#storeIsStuck) this.#options.onTrouble(stuckWords(report.message));
      this.#storeIsStuck = true;
    } else {
      if (report.lost !== null) this.#options.onTrouble(lostWords(report.lost));
      void this.#threads.writer.closed.then((counts) => this.#close(counts));
    }
  }

  #abort(error: Error): void {
    this.#clearTimers();
    this.#threads.abort();
    this.#fail?.(error);
  }

  #close(written: WriterCounts | null): void {
    this.written = written;
    this.#threads.close();
    this.#finish?.();
  }

  #wallUs(): Us {
    this.#clock.read();
    return this.#clock.bootUs + this.#clock.offsetUs;
  }
}
