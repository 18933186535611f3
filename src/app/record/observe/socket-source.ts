import { type SocketColumns, SocketState } from '../../../core/socket.ts';
import { SECOND_US, type Us } from '../../../core/time.ts';
import { keyProtocol, Protocol } from '../../../core/tuple.ts';
import type { ProcFs } from '../../../linux/proc-fs.ts';
import { type ProcNetFile, readProcNet } from '../../../linux/proc-net.ts';
import type { SockDiag } from '../../../linux/sock-diag.ts';
import { AF_INET, AF_INET6 } from '../../../linux/socket-key.ts';

/** A place that knows sockets: polled in turn, and asked for one tuple when a flow begins. */
export interface SocketSource {
  /** Appends what is due now; @returns whether the holders of the new ones among them should be looked for at once */
  poll(out: SocketColumns): boolean;
  /** Appends the socket whose local end is the key's first; @returns false when there is none, or it cannot tell */
  find(key: Int32Array, out: SocketColumns): boolean;
  /** Whether find() decides: without an answer there is no such socket. */
  looksUp?(key: Int32Array): boolean;
  readonly lost: number; // answers lost to full buffers
}

/** slow: something better watches, this is the net below it. alone: no packets tell of sockets, lists are all there is. */
export type Pace = 'fast' | 'slow' | 'alone';

const ALL_STATES = 0xfff;
const ALL_PERIOD_US = 5 * SECOND_US;
const ALONE_PERIOD_US = SECOND_US;
const LOOKED_UP: readonly number[] = [Protocol.Tcp, Protocol.Udp, Protocol.UdpLite]; // by SockDiag.find()
const LISTENERS = 1 << SocketState.Listen;

/**
 * sock_diag: listeners every 250 ms (14 µs measured, however many sockets there are), everything every 5 s. At the slow
 * pace every 5 s listeners and what is no TCP connection; alone everything every second.
 */
export class DiagSource implements SocketSource {
  readonly #diag: SockDiag;
  readonly #protocols: readonly number[];
  readonly #nowUs: () => Us;
  readonly #pace: Pace;
  #listenersDueUs: Us = 0;
  #allDueUs: Us = 0;

  /** @param protocols those that this kernel can dump: asking for others makes it look for a module each time */
  constructor(diag: SockDiag, protocols: readonly number[], nowUs: () => Us, pace: Pace = 'fast') {
    this.#diag = diag;
    this.#protocols = protocols;
    this.#nowUs = nowUs;
    this.#pace = pace;
  }

  get lost(): number {
    return this.#diag.client.interrupted;
  }

  poll(out: SocketColumns): boolean {
    const now = this.#nowUs();
    if (now >= this.#allDueUs) {
      for (const protocol of this.#protocols) this.#dump(protocol, this.#statesOf(protocol), out);
      const tookUs = this.#nowUs() - now;
      const periodUs = this.#pace === 'alone' ? ALONE_PERIOD_US : ALL_PERIOD_US;
      this.#allDueUs = now + Math.max(periodUs, tookUs * 50); // 100,000 sockets take 100 ms
      this.#listenersDueUs = this.#pace === 'slow' ? Infinity : now + SECOND_US / 4;
    } else if (now >= this.#listenersDueUs) {
      this.#dump(Protocol.Tcp, LISTENERS, out);
      this.#listenersDueUs = now + SECOND_US / 4;
    }
    return this.#pace === 'alone'; // else the periodic scan finds their holders; flows ask for theirs by find()
  }

  find(key: Int32Array, out: SocketColumns): boolean {
    return this.#diag.find(key, 0, out);
  }

  looksUp(key: Int32Array): boolean {
    const protocol = keyProtocol(key);
    return LOOKED_UP.includes(protocol) && this.#protocols.includes(protocol);
  }

  #statesOf(protocol: number): number {
    return this.#pace === 'slow' && protocol === Protocol.Tcp ? LISTENERS : ALL_STATES;
  }

  #dump(protocol: number, states: number, out: SocketColumns): void {
    this.#diag.dump(protocol, AF_INET, states, out);
    this.#diag.dump(protocol, AF_INET6, states, out);
  }
}

/** Earliest re-reading of /proc/net when new flows wait: the tcp files cost 3.3 ms each even on an empty host. */
const PROC_REST_US = SECOND_US / 5;

/**
 * /proc/net, read once a second and a little after new flows begin: every protocol without netlink; beside sock_diag
 * what that has no answer for (ping sockets always, raw and others where the kernel lacks the module).
 */
export class ProcNetSource implements SocketSource {
  readonly #proc: ProcFs;
  readonly #folder: string; // 'thread-self/net' or 'PID/net'
  readonly #files: readonly ProcNetFile[];
  readonly #nowUs: () => Us;
  readonly #periodUs: Us;
  readonly lost = 0;
  badLines = 0;
  #readUs: Us = 0;
  #dueUs: Us = 0;

  constructor(proc: ProcFs, folder: string, files: readonly ProcNetFile[], nowUs: () => Us, pace: Pace = 'fast') {
    this.#proc = proc;
    this.#folder = folder;
    this.#files = files;
    this.#nowUs = nowUs;
    this.#periodUs = pace === 'slow' ? ALL_PERIOD_US : SECOND_US;
  }

  poll(out: SocketColumns): boolean {
    const now = this.#nowUs();
    if (now < this.#dueUs) return false;
    this.#readUs = now;
    this.#dueUs = now + this.#periodUs;
    const context = { netns: 0, seenUs: now, onBadLine: () => void this.badLines++ };
    for (const file of this.#files) readProcNet(this.#proc, this.#folder, file, context, out);
    return true;
  }

  /** It cannot look up one tuple; a new flow brings the next reading forward. */
  find(key: Int32Array): boolean {
    const protocol = keyProtocol(key);
    const serves = (file: ProcNetFile): boolean => file.protocol === protocol || file.ports === 'protocol';
    if (this.#files.some(serves)) this.#dueUs = Math.min(this.#dueUs, this.#readUs + PROC_REST_US);
    return false;
  }
}
