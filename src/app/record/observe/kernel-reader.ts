import type { HolderColumns } from '../../../core/process.ts';
import type { SocketColumns, SocketEventColumns } from '../../../core/socket.ts';
import type { Us } from '../../../core/time.ts';
import { decodeSnapshot } from '../../../linux/bpf-events.ts';
import { decodeProcessEvents, type ProcessSink } from '../../../linux/bpf-process-events.ts';
import type { Native } from '../../../native/binding.ts';
import { SocketRing } from '../capture/socket-ring.ts';
import type { KernelLayer, KernelPrograms } from '../kernel-programs.ts';
import { RingReader } from '../ring-reader.ts';

/** A snapshot of 8,000 descriptors; it grows with the host, to half a million. */
const FIRST_SNAPSHOT_BYTES = 1 << 20;
const MOST_SNAPSHOT_BYTES = 64 << 20;
const ENOBUFS = 105;

/** Of openKernelPrograms(): plain values that travel to a thread. */
export type KernelDescriptors = Omit<KernelPrograms, 'close'>;

/** Everything that the BPF programs tell the observer, as facts. Never waits. Belongs to the thread that made it. */
export class KernelReader {
  readonly layer: KernelLayer;
  readonly #native: Native;
  readonly #programs: KernelDescriptors;
  readonly #processRing: RingReader;
  readonly #socketRing: SocketRing | undefined;
  #snapshotBytes = new Uint8Array(0);
  readonly #lost = new Float64Array(2);
  /** Records that have another form than this program knows. */
  bad = 0;

  /** @param readsSockets no capture thread reads the ring of socket events: it is read here */
  constructor(native: Native, programs: KernelDescriptors, readsSockets: boolean) {
    this.#native = native;
    this.#programs = programs;
    this.layer = programs.layer;
    this.#processRing = new RingReader(native, programs.processRing);
    if (readsSockets) this.#socketRing = new SocketRing(native, programs.socketRing);
  }

  get takesSnapshots(): boolean {
    return this.#programs.snapshotFd >= 0;
  }

  /** Tells the sink every event of processes that is there. */
  readProcesses(sink: ProcessSink): void {
    this.#processRing.read((bytes, length) => {
      this.bad += decodeProcessEvents(bytes, length, sink);
    });
  }

  /** Events of sockets, when no capture thread reads them. */
  readSockets(): SocketEventColumns | undefined {
    return this.#socketRing?.read();
  }

  /**
   * Appends a row to both for every descriptor of an internet socket: row i of one belongs to row i of the other.
   *
   * @param pid 0: of all processes
   * @returns 0 or -errno (EINVAL: this kernel lists all processes or none)
   */
  snapshot(pid: number, seenUs: Us, sockets: SocketColumns, holders: HolderColumns): number {
    if (this.#snapshotBytes.length === 0) this.#snapshotBytes = new Uint8Array(FIRST_SNAPSHOT_BYTES);
    for (;;) {
      const length = this.#native.bpfSnapshot(this.#programs.snapshotFd, this.#snapshotBytes, pid);
      if (length >= 0) {
        this.bad += decodeSnapshot(this.#snapshotBytes, length, seenUs, sockets, holders);
        return 0;
      }
      if (length !== -ENOBUFS || this.#snapshotBytes.length >= MOST_SNAPSHOT_BYTES) return length;
      this.#snapshotBytes = new Uint8Array(this.#snapshotBytes.length * 2);
    }
  }

  /** out[2]: events of sockets and of processes that were lost since the start. */
  readLost(): Float64Array {
    this.#native.bpfLost(this.#programs.lostFd, this.#lost);
    return this.#lost;
  }

  close(): void {
    this.#processRing.close();
    this.#socketRing?.close();
  }
}
