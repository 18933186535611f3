/** Live capture of one interface, or of all as `any`, through libpcap: the CaptureSource of `record` and `top`. */
import { UserError } from '../core/errors.ts';
import { type CaptureSource, type CaptureStats, type PacketBatch, PacketType } from '../core/packet.ts';
import { type Native, type PcapHandle, ReadStatus } from '../native/binding.ts';

export interface LiveOptions {
  readonly device: string; // interface name or 'any'
  readonly filter: string; // tcpdump expression, '' for everything
  readonly snaplen: number; // octets kept of a packet
  readonly ringBytes: number; // buffer in the kernel
  readonly timeoutMs: number; // how long the kernel may collect packets before it hands them over
  readonly promiscuous: boolean;
  readonly netnsPath: string; // '' for the own network namespace
}

/** `down`: the interface exists and may come up. `gone`: it does not exist, or cannot be opened again. */
export type LiveState = 'running' | 'down' | 'gone';

const RETRY_US = 1_000_000;
const MONOTONIC = 2; // index in clocks()

/**
 * Opens at construction and throws UserError when that fails. Afterwards nothing throws: an interface that goes away
 * or down shows in `state`, and each read tries once a second to have it back. What passed meanwhile is not seen.
 */
export class LiveSource implements CaptureSource {
  readonly options: LiveOptions;
  readonly #native: Native;
  #handle: PcapHandle | undefined;
  #closed = false;
  #fd = -1;
  #linkType = 0;
  #ifindex = 0;
  #snaplen = 0;
  #state: LiveState = 'running';
  #stateText = '';
  #retryAtUs = 0;
  readonly #clocks = new Float64Array(3);
  readonly #counters = new Float64Array(3); // of the open handle
  readonly #earlier = new Float64Array(3); // of the handles before it
  readonly #pollFd = new Int32Array(1);
  readonly #pollReady = new Uint8Array(1);

  constructor(native: Native, options: LiveOptions) {
    this.#native = native;
    this.options = options;
    this.#open();
  }

  /** For poll(); -1 (which poll ignores) while there is no interface. Another one after each reopening. */
  get fd(): number {
    return this.#fd;
  }
  get linkType(): number {
    return this.#linkType;
  }
  get ifindex(): number {
    return this.#ifindex; // 0: any
  }
  get state(): LiveState {
    return this.#state;
  }
  /** Why the state is not `running`, for people; '' when it is. */
  get stateText(): string {
    return this.#stateText;
  }

  /** Waits at most `timeoutMs` for packets. A source that is down or gone waits as well, so that callers may loop. */
  read(into: PacketBatch, timeoutMs: number): number {
    this.#pollFd[0] = this.#fd;
    const ready = this.#native.poll(this.#pollFd, 1, this.#pollReady, timeoutMs);
    if (ready > 0 || this.#fd < 0) return this.readReady(into);
    into.count = 0;
    return 0;
  }

  /** The same without waiting: for callers that poll several descriptors themselves. Call it also while fd is -1. */
  readReady(into: PacketBatch): number {
    into.count = 0;
    if (this.#closed) return -1;
    if (into.bytes.length < this.#snaplen) throw new RangeError(`the batch is smaller than a packet: ${this.#snaplen}`);
    const handle = this.#handle ?? this.#reopen();
    if (handle === undefined) return 0;
    const { bytes, offset, capLen, origLen, sec, nsec } = into;
    const count = this.#native.pcapRead(handle, bytes, offset, capLen, origLen, sec, nsec);
    if (count < 0) {
      this.#lose(handle, count);
      return 0;
    }
    // Each time, because the decoder overwrites columns and sources may share a batch: 1 us for 500 packets.
    into.linkType.fill(this.#linkType, 0, count);
    into.ifindex.fill(this.#ifindex, 0, count);
    into.pktType.fill(PacketType.Unknown, 0, count);
    into.count = count;
    return count;
  }

  /**
   * Over all handles. `received` may exceed what was read and dropped: the kernel counts the outgoing copy of each
   * packet on lo, which libpcap leaves out, and packets of the moment between opening and setting the filter.
   */
  stats(): CaptureStats {
    if (this.#handle !== undefined) this.#native.pcapStats(this.#handle, this.#counters);
    const total = (i: number): number => this.#earlier[i]! + this.#counters[i]!;
    // libpcap reads the interface's own drops only when promiscuous, and from the /sys of this namespace.
    const { device, promiscuous, netnsPath } = this.options;
    const knowsInterface = promiscuous && device !== 'any' && netnsPath === '';
    return { received: total(0), kernelDrops: total(1), interfaceDrops: knowsInterface ? total(2) : undefined };
  }

  close(): void {
    if (this.#handle !== undefined) this.#release(this.#handle);
    this.#closed = true;
  }

  #open(): PcapHandle {
    const { device, filter, snaplen, ringBytes, timeoutMs, promiscuous, netnsPath } = this.options;
    const native = this.#native;
    const handle = native.pcapOpen(device, filter, snaplen, ringBytes, timeoutMs, promiscuous ? 1 : 0, netnsPath);
    [this.#fd, this.#linkType, this.#snaplen, this.#ifindex] = native.pcapInfo(handle);
    this.#handle = handle;
    this.#state = 'running';
    this.#stateText = '';
    return handle;
  }

  #reopen(): PcapHandle | undefined {
    if (this.#nowUs() < this.#retryAtUs) return undefined;
    try {
      return this.#open();
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      this.#wait(error.code === 'interface-down' ? 'down' : 'gone', error.message);
      return undefined;
    }
  }

  #lose(handle: PcapHandle, status: number): void {
    const { device } = this.options;
    const text = status === ReadStatus.Failed ? this.#native.pcapError(handle) : '';
    this.#release(handle);
    if (status === ReadStatus.InterfaceDown) this.#wait('down', `the interface ${device} went down`);
    else if (status === ReadStatus.InterfaceGone) this.#wait('gone', `the interface ${device} was removed`);
    else this.#wait('gone', text);
  }

  #wait(state: LiveState, text: string): void {
    this.#state = state;
    this.#stateText = text;
    this.#retryAtUs = this.#nowUs() + RETRY_US;
  }

  #release(handle: PcapHandle): void {
    this.#native.pcapClose(handle);
    this.#native.pcapStats(handle, this.#counters); // the last ones stay readable
    for (let i = 0; i < 3; i++) this.#earlier[i]! += this.#counters[i]!;
    this.#counters.fill(0);
    this.#handle = undefined;
    this.#fd = -1;
  }

  #nowUs(): number {
    this.#native.clocks(this.#clocks);
    return this.#clocks[MONOTONIC]!;
  }
}
