/** The capture thread: ring -> decode -> flow table. Started by the recorder with CaptureThreadData. */
import { type MessagePort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { FILE_BATCH_BYTES } from '../../capture/file.ts';
import { transferList } from '../../core/columns.ts';
import { createDecodedBatch } from '../../core/decoded.ts';
import { createPacketBatch } from '../../core/packet.ts';
import { Decoder } from '../../decode/decode-batch.ts';
import { FlowTable } from '../../flow/flow-table.ts';
import { loadNative } from '../../native/binding.ts';
import { captureCounters } from './capture-counters.ts';
import { type CaptureInput, openCap, openLive } from './capture-input.ts';
import { Clock } from './clock.ts';
import { InterfaceCounts } from './interface-counts.ts';
import type { CaptureCommand, CaptureReady, CaptureReport } from './messages.ts';
import { runThread } from './thread.ts';

export interface CaptureThreadData {
  readonly devices: readonly string[];
  readonly backend: 'libpcap' | 'cap';
  readonly filter: string;
  readonly snaplen: number;
  readonly ringBytes: number;
  readonly promiscuous: boolean;
  readonly commands: MessagePort;
  readonly fresh: MessagePort; // to the observer
  readonly wakeFd: number; // made readable when a command waits
  readonly observerWakeFd: number;
}

const BATCH_PACKETS = 4096;
const POLL_MS = 50;
/** How long the kernel may collect packets: new tuples have to reach the observer within 15 ms. */
const BLOCK_MS = 10;
/** Batches between two looks at the commands while packets never stop. */
const BATCHES_A_TURN = 16;

class CaptureThread {
  readonly #data: CaptureThreadData;
  readonly #native = loadNative();
  readonly #clock = new Clock(this.#native);
  readonly #inputs: readonly CaptureInput[];
  readonly #batch;
  readonly #decoded = createDecodedBatch(BATCH_PACKETS);
  readonly #decoder = new Decoder();
  readonly #table = new FlowTable({ fresh: true });
  readonly #interfaces = new InterfaceCounts();
  readonly #fds: Int32Array;
  readonly #ready: Uint8Array;

  constructor(data: CaptureThreadData) {
    this.#data = data;
    this.#inputs = data.devices.map((device) => this.#open(device));
    const bytes = Math.max(4 << 20, data.snaplen * 64, data.backend === 'cap' ? FILE_BATCH_BYTES : 0);
    this.#batch = createPacketBatch(BATCH_PACKETS, bytes);
    this.#fds = new Int32Array(this.#inputs.length + 1);
    this.#ready = new Uint8Array(this.#fds.length);
  }

  #open(device: string): CaptureInput {
    const { backend, filter, snaplen, ringBytes, promiscuous } = this.#data;
    const options = { device, filter, snaplen, ringBytes, promiscuous, timeoutMs: BLOCK_MS, netnsPath: '' };
    return backend === 'cap' ? openCap(options) : openLive(this.#native, options);
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
        if (command === 'stop') this.#drainLast();
        this.#report(command === 'stop');
        if (command === 'stop') {
          this.#close();
          return;
        }
      }
    }
  }

  #wait(): void {
    this.#inputs.forEach(({ source }, i) => {
      this.#fds[i] = source.fd ?? -1;
    });
    this.#fds[this.#inputs.length] = this.#data.wakeFd;
    this.#native.poll(this.#fds, this.#fds.length, this.#ready, POLL_MS);
  }

  /** What is still in the ring, or in a pipe. The kernel hands a block that is not full over only after BLOCK_MS. */
  #drainLast(): void {
    for (const input of this.#inputs) input.stop();
    const untilUs = this.#clock.nowUs() + 2 * BLOCK_MS * 1000;
    while (this.#clock.nowUs() < untilUs) {
      this.#native.poll(this.#fds, this.#inputs.length, this.#ready, BLOCK_MS);
      this.#drainSources(Number.POSITIVE_INFINITY);
    }
  }

  /** Reads every source until it is empty, at most `batches` each. */
  #drainSources(batches: number): void {
    for (const { source } of this.#inputs) {
      for (let n = 0; n < batches; n++) {
        const count = source.read(this.#batch, 0);
        if (count <= 0) break;
        this.#clock.read();
        this.#decoder.decode(this.#batch, this.#decoded);
        this.#interfaces.add(this.#batch);
        this.#table.add(this.#batch, this.#decoded, this.#clock.offsetUs, this.#clock.bootUs);
        this.#sendFresh();
      }
    }
  }

  #sendFresh(): void {
    const fresh = this.#table.takeFresh();
    if (fresh === undefined) return;
    this.#data.fresh.postMessage(fresh, transferList(fresh));
    this.#native.wake(this.#data.observerWakeFd);
  }

  #report(last: boolean): void {
    const now = this.#clock.nowUs();
    const flows = last ? this.#table.flush(now) : this.#table.drain(now);
    const report: CaptureReport = {
      flows,
      counters: captureCounters(
        this.#decoder,
        this.#table,
        this.#inputs.map(({ source }) => source.stats()),
      ),
      interfaces: this.#interfaces.list(),
      troubles: this.#inputs.map((input) => input.trouble()).filter((text) => text !== ''),
      offsetUs: this.#clock.offsetUs,
      last,
    };
    this.#data.commands.postMessage(report, transferList(flows));
  }

  #close(): void {
    for (const input of this.#inputs) input.close();
    this.#data.commands.close();
    this.#data.fresh.close();
  }
}

runThread(workerData as CaptureThreadData, (data) => new CaptureThread(data).run());
