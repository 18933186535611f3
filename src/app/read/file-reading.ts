/** Capture files, packet by packet, into flows with owners: the same decoder, flow table and attribution as live. */
import type { Attributor, OnAnswer } from '../../attribution/attributor.ts';
import { FILE_BATCH_BYTES, PcapFileSource } from '../../capture/file.ts';
import { createDecodedBatch, type DecodedBatch } from '../../core/decoded.ts';
import type { UserError } from '../../core/errors.ts';
import type { FlowColumns } from '../../core/flow.ts';
import type { FoundNames } from '../../core/name.ts';
import { createPacketBatch, type PacketBatch } from '../../core/packet.ts';
import type { CaptureCounters } from '../../core/tick.ts';
import { SECOND_US, type Us } from '../../core/time.ts';
import { Decoder } from '../../decode/decode-batch.ts';
import { FlowTable } from '../../flow/flow-table.ts';
import { tryNative } from '../../native/binding.ts';
import type { InterfaceNumbers } from '../../pcap/interface-numbers.ts';
import { captureCounters } from '../record/capture/capture-counters.ts';
import { NameCollector } from '../record/capture/name-collector.ts';
import type { InterfaceCounts } from '../record/interface-counts.ts';
import type { FactsMessage } from '../record/messages.ts';
import { CaptureFacts } from './capture-facts.ts';
import { type FileInput, isNoCapture, isPipe, tryOpen } from './file-input.ts';
import type { History } from './history.ts';
import { SaidOwners } from './said-owners.ts';
import { SaidTurns } from './said-turns.ts';
import { turn, within } from './waiting.ts';

const BATCH_PACKETS = 1024;
/** Seldom, because a drain looks at every flow that changed; often enough that no row is lost (FlowLimits.mostRows). */
const PACKETS_A_DRAIN = 262_144;
/** The same where only flows that are over are told; also flows that end at once: few, their rows stay in the cache. */
const MOST_ENDED = 4096;
/** Flows at a time, and rows that may wait: a step of time ends all of them at once. */
const MOST_FLOWS = 1 << 20;
const MOST_ROWS = 2 * MOST_FLOWS;
/** While the input grows somebody waits for news. */
const GROWING_MS = 1000;
/** Facts so much later than a packet may name it: its second, and what a fact may lag behind. */
const AHEAD_US = 3 * SECOND_US;
const NO_LIMIT_US = Number.POSITIVE_INFINITY;
/** Names after which a drain is due. */
const NAMES_A_DRAIN = 1 << 16;
/** A file has all the time it needs; one batch of packets cannot hold more names than this without meaning harm. */
const NAME_LIMITS = { quicPackets: NO_LIMIT_US, dnsOctets: NO_LIMIT_US };
const MOST_NAMES = 1 << 18;

/** What a reading hands out as it goes. */
export interface FileSink {
  /**
   * 'changes' (default): flows are told when they begin and when they end, and every second while the input grows.
   * 'ends': only when they end, as long as nobody looks for owners; the rows are valid until onFlows() returns.
   */
  readonly tell?: 'changes' | 'ends';
  /** @param counters totals so far. @param named owners were looked for, by facts or by what the files say */
  onFlows(flows: FlowColumns, counters: CaptureCounters, named: boolean): void;
  readonly onAnswer: OnAnswer;
  /**
   * Called before the answers to `flows`, which onFlows() hands over afterwards. Absent: nobody wants names, and none are
   * looked for.
   */
  onNames?(found: FoundNames, flows: FlowColumns, named: boolean): void;
  onProgress(bytesRead: number, packets: number): void; // of all files together
}

export interface ReadingOptions {
  readonly inputs: readonly FileInput[]; // in the order of their packets
  readonly attributor: Attributor; // an empty one
  readonly facts: readonly FactsMessage[]; // of the host at that time; without any, the files' own are used
  readonly history?: History | undefined; // the same, as a recorder stored it; instead of `facts`
  readonly interfaces?: InterfaceNumbers; // learns how the files name their interfaces
  readonly interfaceCounts?: InterfaceCounts; // counts what passed each
  readonly decap?: boolean; // flows of the innermost packets of tunnels
  readonly follow?: boolean; // the last file is still being written: go on until `stop`
  readonly stop?: AbortSignal;
  readonly byMinute?: boolean; // rows of flows end with the minute, for who counts by time
}

export interface FileDamage {
  readonly path: string;
  readonly offset: number | null; // octets; null: it is no capture, nothing of it was read
  readonly what: string;
}

export interface FileResult {
  readonly counters: CaptureCounters;
  readonly damages: readonly FileDamage[];
  readonly named: boolean; // as in onFlows()
  readonly firstUs: Us; // of all packets, whole seconds; Infinity: there were none
  readonly lastUs: Us;
  readonly unsupported: ReadonlyMap<number, number>; // LINKTYPE_* number that is not decoded -> its packets
}

/** @throws UserError when an input cannot be opened, or none is a capture that can be read */
export async function readFiles(options: ReadingOptions, sink: FileSink): Promise<FileResult> {
  for (const input of options.inputs) if (input.fd === undefined && !isPipe(input)) tryOpen(input.path); // fail before the work
  const reading = new FileReading(options, sink);
  for (const input of options.inputs) await reading.read(input);
  return reading.end();
}

/** Flows go on from one file to the next: those of a capture in pieces are one capture. */
class FileReading {
  readonly #options: ReadingOptions;
  readonly #sink: FileSink;
  readonly #batch: PacketBatch = createPacketBatch(BATCH_PACKETS, FILE_BATCH_BYTES);
  readonly #decoded: DecodedBatch = createDecodedBatch(BATCH_PACKETS);
  readonly #decoder: Decoder;
  readonly #table: FlowTable;
  readonly #names: NameCollector | undefined;
  readonly #captureFacts = new CaptureFacts();
  readonly #said = new SaidOwners();
  readonly #turns = new SaidTurns();
  #named: boolean;
  readonly #damages: FileDamage[] = [];
  readonly #refused: UserError[] = [];
  #firstUs = Number.POSITIVE_INFINITY;
  #lastUs = Number.NEGATIVE_INFINITY;
  #handedUs = Number.NEGATIVE_INFINITY; // lastUs at the last hand-over
  #packets = 0;
  #bytes = 0; // of files that were read
  #handedPackets = 0;
  #handedMs = performance.now();

  constructor(options: ReadingOptions, sink: FileSink) {
    this.#options = options;
    const fast = tryNative();
    this.#decoder = new Decoder({ decap: options.decap === true, holdFragments: true, fast });
    this.#sink = sink;
    this.#named = options.facts.length > 0 || options.history !== undefined;
    for (const message of options.facts) options.attributor.observe(message);
    // While an input grows every change is told, else only the beginning and the end of a flow.
    const longLivedUs = options.follow === true || options.inputs.some(isPipe) ? 0 : NO_LIMIT_US;
    this.#table = new FlowTable({
      ...{ activeUs: NO_LIMIT_US, longLivedUs, capacity: MOST_FLOWS, mostRows: MOST_ROWS },
      byMinute: options.byMinute === true,
      fast,
    });
    if (sink.onNames !== undefined) this.#names = new NameCollector(this.#table, MOST_NAMES, NAME_LIMITS);
  }

  /** One that is no capture is left out: `read *.pcap` is about the others. */
  async read(input: FileInput): Promise<void> {
    try {
      await this.#read(input);
    } catch (error) {
      if (!isNoCapture(error)) throw error;
      this.#refused.push(error);
      this.#damages.push({ path: input.path, what: error.message, offset: null });
    }
  }

  /** @throws UserError when none of the inputs is a capture */
  end(): FileResult {
    if (this.#refused.length === this.#options.inputs.length) throw this.#refused[0];
    this.#endWaiting();
    for (let count = 1; count > 0; ) {
      const flows = this.#table.flush(NO_LIMIT_US, MOST_ENDED);
      count = flows.count;
      this.#hand(flows);
    }
    const { unsupported } = this.#decoder.counts;
    const span = { firstUs: this.#firstUs, lastUs: this.#lastUs };
    return { counters: this.#counters(), damages: this.#damages, named: this.#named, unsupported, ...span };
  }

  async #read(input: FileInput): Promise<void> {
    const { inputs, interfaces, follow = false, stop } = this.#options;
    const isFollowed = follow && input === inputs.at(-1);
    const source = new PcapFileSource({ ...input, follow: isFollowed, ...(interfaces && { interfaces }) });
    const grows = isFollowed || source.size === undefined;
    try {
      while (stop?.aborted !== true) {
        const count = source.read(this.#batch, 0);
        if (count < 0) break;
        if (count > 0) this.#take(source);
        if (this.#isDue(grows)) {
          if (grows) this.#endWaiting(); // somebody waits for news
          this.#hand(this.#told());
          await turn(); // who gives up is heard
        }
        if (count === 0) await within(GROWING_MS, source.more());
        else if (grows || source.isCompressed) await turn();
      }
    } finally {
      source.close();
    }
    this.#bytes += source.bytesRead;
    if (source.damage !== undefined) this.#damages.push({ path: input.path, ...source.damage });
  }

  #take(source: PcapFileSource): void {
    this.#packets += this.#batch.count;
    this.#noteTimes();
    this.#decoder.decode(this.#batch, this.#decoded);
    this.#options.interfaceCounts?.add(this.#batch);
    this.#learn(source);
    this.#addReleased();
    this.#table.add(this.#batch, this.#decoded, 0, NO_LIMIT_US);
    this.#table.settleSockets();
    this.#names?.look(this.#batch, this.#decoded);
    this.#sink.onProgress(this.#bytes + source.bytesRead, this.#packets);
  }

  #endWaiting(): void {
    this.#decoder.releaseFragments();
    this.#addReleased();
  }

  #addReleased(): void {
    const rows = this.#decoder.takeReleased();
    if (rows !== undefined) this.#table.add(rows.batch, rows.decoded, 0, NO_LIMIT_US);
  }

  #noteTimes(): void {
    const { sec, count } = this.#batch;
    let first = sec[0]!;
    let last = first;
    for (let i = 1; i < count; i++) {
      if (sec[i]! < first) first = sec[i]!;
      if (sec[i]! > last) last = sec[i]!;
    }
    this.#firstUs = Math.min(this.#firstUs, first * SECOND_US);
    this.#lastUs = Math.max(this.#lastUs, last * SECOND_US);
  }

  #learn(source: PcapFileSource): void {
    const { history } = this.#options;
    if (history !== undefined) this.#recall(history);
    if (history !== undefined || this.#options.facts.length > 0) return;
    const facts = this.#captureFacts.take(this.#batch, this.#decoded, source.notes);
    const turns = this.#turns.take(this.#batch, this.#decoded, source.notes);
    if (turns !== undefined) this.#table.noteSockets(turns);
    const isSaid = this.#said.take(this.#batch, this.#decoded, source.notes);
    if (facts !== undefined) this.#options.attributor.observe(facts);
    this.#named ||= isSaid || facts !== undefined;
  }

  /** What sockets did until the latest packet, before it is counted. */
  #recall(history: History): void {
    const facts = history.until(this.#lastUs + AHEAD_US, this.#firstUs);
    if (facts !== undefined) this.#options.attributor.observe(facts);
    const events = history.eventsUntil(this.#lastUs + SECOND_US);
    if (events !== undefined) this.#table.noteSockets(events);
  }

  #isDue(grows: boolean): boolean {
    if (grows) return performance.now() - this.#handedMs >= GROWING_MS;
    if ((this.#names?.count ?? 0) >= NAMES_A_DRAIN) return true;
    return this.#packets - this.#handedPackets >= (this.#tellsEnds ? MOST_ENDED : PACKETS_A_DRAIN);
  }

  get #tellsEnds(): boolean {
    return this.#sink.tell === 'ends' && !this.#named;
  }

  #told(): FlowColumns {
    return this.#tellsEnds ? this.#table.takeEnded(NO_LIMIT_US, MOST_ENDED) : this.#table.drain(NO_LIMIT_US);
  }

  #hand(flows: FlowColumns): void {
    this.#handedPackets = this.#packets;
    this.#handedMs = performance.now();
    const { attributor, history } = this.#options;
    if (this.#names !== undefined) this.#sink.onNames?.(this.#names.take(), flows, this.#named);
    this.#said.join(flows);
    if (this.#named) attributor.addFlows(flows, this.#onAnswer);
    if (this.#named) attributor.answer(this.#onAnswer);
    this.#sink.onFlows(flows, this.#counters(), this.#named);
    if (this.#tellsEnds) this.#table.giveBack(flows);
    if (history !== undefined) attributor.forget(this.#handedUs, () => {}); // flows of the next rows begin later
    this.#handedUs = this.#lastUs;
  }

  readonly #onAnswer: OnAnswer = (serial, side, answer) => {
    this.#sink.onAnswer(serial, side, this.#said.answer(serial, side, answer));
  };

  #counters(): CaptureCounters {
    const stats = { received: this.#packets, kernelDrops: undefined, interfaceDrops: undefined };
    return captureCounters(this.#decoder, this.#table, [stats], this.#names?.lost ?? 0);
  }
}
