/** The capture thread: ring -> decode -> flow table. Started by the recorder with CaptureThreadData. */
import { type MessagePort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { FILE_BATCH_BYTES } from '../../../capture/file.ts';
import { transferList } from '../../../core/columns.ts';
import { createDecodedBatch } from '../../../core/decoded.ts';
import { createPacketBatch } from '../../../core/packet.ts';
import { Decoder } from '../../../decode/decode-batch.ts';
import { FlowTable } from '../../../flow/flow-table.ts';
import { loadNative } from '../../../native/binding.ts';
import { Clock } from '../clock.ts';
import { InterfaceCounts } from '../interface-counts.ts';
import type { CaptureCommand, CaptureReady, CaptureReport, NewsMessage } from '../messages.ts';
import { runThread } from '../thread.ts';
import { TranslationLog } from '../translation-log.ts';
import { PacketRing } from '../write/packet-ring.ts';
import { captureCounters } from './capture-counters.ts';
import { CaptureSpaces, type NetnsPlace, type SpaceInput, type SpaceOptions } from './capture-spaces.ts';
import { NameCollector } from './name-collector.ts';
import { SocketRing } from './socket-ring.ts';
import { Translations } from './translations.ts';

export interface CaptureThreadData {
  readonly capture: Omit<SpaceOptions, 'timeoutMs'>;
  readonly ownNetns: number; // inode, 0: not known
  readonly places: readonly NetnsPlace[]; // other namespaces to capture in from the start
  readonly socketRing: { readonly fd: number; readonly bytes: number } | null; // of the kernel's programs
  readonly packets: SharedArrayBuffer | null; // a PacketRing: packets are written into files
  readonly looksUp: boolean; // the observer wants new tuples, to ask for their sockets
  readonly commands: MessagePort;
  readonly news: MessagePort; // to the observer
  readonly wakeFd: number; // made readable when a command waits
  readonly observerWakeFd: number;
}

const BATCH_PACKETS = 4096;
/** Longest rest. What is worth an earlier look makes a descriptor readable: packets, a command, a ring that fills up. */
const REST_MS = 1000;
/**
 * How long the kernel may collect packets. When somebody has to look for their sockets, new tuples must reach the
 * observer within 15 ms; when the kernel tells whose they are, there is no hurry and less to wake up for.
 */
const BLOCK_MS = 10;
const LAZY_BLOCK_MS = 100;
/** Batches between two looks at the commands while packets never stop. */
const BATCHES_A_TURN = 16;
/** A socket event of a received packet comes after the packet, by microseconds; packets younger than this wait for it. */
const RIPE_US = 1000;
/** Names that go with one report, a second: a flood of them costs names, not packets. */
const MOST_NAMES = 4096;

class CaptureThread {
  readonly #data: CaptureThreadData;
  readonly #native = loadNative();
  readonly #clock = new Clock(this.#native);
  readonly #blockMs: number;
  readonly #spaces: CaptureSpaces;
  readonly #ring: SocketRing | undefined;
  readonly #batch;
  readonly #decoded;
  readonly #packets: PacketRing | undefined;
  readonly #decoder: Decoder;
  readonly #table: FlowTable;
  readonly #names: NameCollector;
  readonly #interfaces = new InterfaceCounts();
  readonly #translations = new Translations(this.#native);
  readonly #translationLog = new TranslationLog();
  #fds = new Int32Array(0);
  #ready = new Uint8Array(0);

  constructor(data: CaptureThreadData) {
    this.#data = data;
    this.#blockMs = data.looksUp ? BLOCK_MS : LAZY_BLOCK_MS;
    const { capture } = data;
    this.#spaces = new CaptureSpaces(this.#native, { ...capture, timeoutMs: this.#blockMs }, data.ownNetns);
    this.#follow(data.places);
    this.#ring = data.socketRing === null ? undefined : new SocketRing(this.#native, data.socketRing);
    const { inodeOf, indexOf } = this.#spaces;
    const fast = this.#native;
    this.#decoder = new Decoder({ fast });
    this.#table = new FlowTable({
      fresh: data.looksUp,
      byMinute: true,
      netnsInode: inodeOf,
      netnsIndex: indexOf,
      fast,
    });
    this.#names = new NameCollector(this.#table, MOST_NAMES);
    const bytes = Math.max(4 << 20, capture.snaplen * 64, capture.backend === 'cap' ? FILE_BATCH_BYTES : 0);
    this.#packets = data.packets === null ? undefined : new PacketRing(data.packets);
    this.#decoded = createDecodedBatch(BATCH_PACKETS, this.#packets !== undefined);
    this.#batch = createPacketBatch(BATCH_PACKETS, bytes);
  }

  run(): void {
    const ready: CaptureReady = { ready: true };
    this.#data.commands.postMessage(ready);
    for (;;) {
      this.#wait();
      this.#drainSources(BATCHES_A_TURN);
      this.#native.wakeClear(this.#data.wakeFd);
      for (let m = receiveMessageOnPort(this.#data.commands); m; m = receiveMessageOnPort(this.#data.commands)) {
        const command = m.message as CaptureCommand;
        if (typeof command === 'object') {
          this.#follow(command.places);
          continue;
        }
        if (command === 'stop') this.#drainLast();
        this.#report(command === 'stop');
        if (command === 'stop') {
          this.#close();
          return;
        }
      }
    }
  }

  /** Namespaces come and go; the own one stays. */
  #follow(places: readonly NetnsPlace[]): void {
    this.#spaces.follow(places);
    this.#translations.follow([{ inode: this.#data.ownNetns, path: '' }, ...places]);
    const count = this.#spaces.inputs.length + 2;
    if (count === this.#fds.length) return;
    this.#fds = new Int32Array(count);
    this.#ready = new Uint8Array(count);
  }

  #wait(): void {
    const { inputs } = this.#spaces;
    inputs.forEach(({ input }, i) => {
      this.#fds[i] = input.source.fd ?? -1;
    });
    this.#fds[inputs.length] = this.#data.wakeFd;
    this.#fds[inputs.length + 1] = this.#data.socketRing?.fd ?? -1; // readable when it fills up
    this.#native.poll(this.#fds, this.#fds.length, this.#ready, REST_MS);
  }

  /** What is still in the ring, or in a pipe. The kernel hands a block that is not full over only after a while. */
  #drainLast(): void {
    for (const { input } of this.#spaces.inputs) input.stop();
    const untilUs = this.#clock.nowUs() + 2 * this.#blockMs * 1000;
    while (this.#clock.nowUs() < untilUs) {
      this.#native.poll(this.#fds, this.#spaces.inputs.length, this.#ready, BLOCK_MS);
      this.#drainSources(Number.POSITIVE_INFINITY);
    }
  }

  /** Reads every source until it is empty, at most `batches` each; in turn, so that no ring waits for all of another one. */
  #drainSources(batches: number): void {
    let full = this.#spaces.inputs;
    for (let n = 0; n < batches && full.length > 0; n++) full = full.filter((input) => this.#readBatch(input));
    this.#takeEvents(() => {}); // of sockets without a packet
  }

  /** @returns whether there were packets */
  #readBatch({ input, netns }: SpaceInput): boolean {
    this.#batch.netns = netns;
    if (input.source.read(this.#batch, 0) <= 0) return false;
    this.#count();
    return true;
  }

  /** Counts the batch, with what the kernel says about the sockets of its packets. */
  #count(): void {
    this.#clock.read();
    this.#decoder.decode(this.#batch, this.#decoded);
    this.#interfaces.add(this.#batch);
    if (this.#ring !== undefined) this.#ripen();
    this.#readTranslations();
    this.#takeEvents(() => this.#table.add(this.#batch, this.#decoded, this.#clock.offsetUs, this.#clock.bootUs));
    this.#names.look(this.#batch, this.#decoded);
    this.#keep();
    this.#sendFresh();
  }

  #readTranslations(): void {
    const { bootUs } = this.#clock;
    this.#translations.read(bootUs, (heard, netns) => {
      this.#table.noteTranslations(heard.found, netns);
      this.#translationLog.note(heard, netns, bootUs);
    });
  }

  /** For whoever writes packets into a file; what has no room is counted there. */
  #keep(): void {
    const { serial } = this.#decoded;
    if (this.#packets === undefined || serial === undefined) return;
    this.#packets.push(this.#batch, serial, this.#spaces.inodeOf(this.#batch.netns), this.#clock.bootUs);
    serial.fill(0, 0, this.#batch.count);
  }

  /** Waits until the events of the youngest packet are in the ring. */
  #ripen(): void {
    const { count, sec, nsec } = this.#batch;
    const packetUs = sec[count - 1]! * 1e6 + nsec[count - 1]! / 1000 - this.#clock.offsetUs;
    if (this.#clock.bootUs - packetUs < RIPE_US) this.#native.poll(this.#fds, 0, this.#ready, 1);
  }

  /** Lets the flow table know the events before and after `count`, then hands them to the observer. */
  #takeEvents(count: () => void): void {
    const events = this.#ring?.read();
    if (events !== undefined) this.#table.noteSockets(events);
    count();
    if (this.#ring !== undefined) this.#table.settleSockets();
    if (events !== undefined) this.#tell({ sockets: events }, transferList(events));
  }

  #sendFresh(): void {
    const fresh = this.#table.takeFresh();
    if (fresh !== undefined) this.#tell({ fresh }, transferList(fresh));
  }

  #tell(news: NewsMessage, moved: ArrayBuffer[]): void {
    this.#data.news.postMessage(news, moved);
    this.#native.wake(this.#data.observerWakeFd);
  }

  #report(last: boolean): void {
    const now = this.#clock.nowUs();
    const flows = last ? this.#table.flush(now) : this.#table.drain(now);
    const names = this.#names.take();
    this.#readTranslations();
    const translations = this.#translationLog.take();
    const report: CaptureReport = {
      flows,
      names,
      translations,
      translationsLost: this.#translationLog.lost,
      counters: captureCounters(this.#decoder, this.#table, this.#spaces.stats(), this.#names.lost),
      interfaces: this.#interfaces.list().map((count) => ({ ...count, netns: this.#spaces.inodeOf(count.netns) })),
      troubles: this.#spaces.troubles(),
      atUs: now,
      offsetUs: this.#clock.offsetUs,
      last,
    };
    this.#data.commands.postMessage(report, [
      ...transferList(flows),
      ...transferList(names.rows),
      ...transferList(translations),
    ]);
  }

  #close(): void {
    this.#spaces.close();
    this.#translations.close();
    this.#ring?.close();
    this.#data.commands.close();
    this.#data.news.close();
  }
}

runThread(workerData as CaptureThreadData, (data) => new CaptureThread(data).run());
