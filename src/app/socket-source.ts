import { type SocketColumns, SocketState } from '../core/socket.ts';
import { SECOND_US, type Us } from '../core/time.ts';
import { keyProtocol, Protocol } from '../core/tuple.ts';
import type { ProcFs } from '../linux/proc-fs.ts';
import { PROC_NET_FILES, type ProcNetFile, readProcNet } from '../linux/proc-net.ts';
import type { SockDiag } from '../linux/sock-diag.ts';

/** A place that knows sockets: polled in turn, and asked for one tuple when a flow begins. */
export interface SocketSource {
  /** Appends what is due now; @returns whether the holders of the new ones among them should be looked for at once */
  poll(out: SocketColumns): boolean;
  /** Appends the socket whose local end is the key's first; @returns false when there is none, or it cannot tell */
  find(key: Int32Array, out: SocketColumns): boolean;
  readonly lost: number; // answers lost to full buffers
}

const AF_INET = 2;
const AF_INET6 = 10;
const ALL_STATES = 0xfff;
const LISTENERS = 1 << SocketState.Listen;
const DUMPED = [Protocol.Tcp, Protocol.Udp, Protocol.UdpLite, Protocol.Sctp];

/** sock_diag: listeners every 250 ms (14 µs measured, however many sockets there are), everything every 5 s. */
export class DiagSource implements SocketSource {
  readonly #diag: SockDiag;
  readonly #nowUs: () => Us;
  #listenersDueUs: Us = 0;
  #allDueUs: Us = 0;

  constructor(diag: SockDiag, nowUs: () => Us) {
    this.#diag = diag;
    this.#nowUs = nowUs;
  }

  get lost(): number {
    return this.#diag.client.interrupted;
  }

  poll(out: SocketColumns): boolean {
    const now = this.#nowUs();
    if (now >= this.#allDueUs) {
      for (const protocol of DUMPED) this.#dump(protocol, ALL_STATES, out);
      const tookUs = this.#nowUs() - now;
      this.#allDueUs = now + Math.max(5 * SECOND_US, tookUs * 50); // 100,000 sockets take 100 ms
      this.#listenersDueUs = now + SECOND_US / 4;
    } else if (now >= this.#listenersDueUs) {
      this.#dump(Protocol.Tcp, LISTENERS, out);
      this.#listenersDueUs = now + SECOND_US / 4;
    }
    return false; // the periodic scan finds their holders; flows ask for theirs by find()
  }

  find(key: Int32Array, out: SocketColumns): boolean {
    return this.#diag.find(key, 0, out);
  }

  #dump(protocol: number, states: number, out: SocketColumns): void {
    this.#diag.dump(protocol, AF_INET, states, out);
    this.#diag.dump(protocol, AF_INET6, states, out);
  }
}

/** Earliest re-reading of /proc/net when new flows wait: the tcp files cost 3.3 ms each even on an empty host. */
const PROC_REST_US = SECOND_US / 5;

/**
 * /proc/net, read once a second and a little after new flows begin. The sole source without netlink;
 * beside sock_diag it adds what that does not know: ping sockets, and raw ones where raw_diag is not built in.
 */
export class ProcNetSource implements SocketSource {
  readonly #proc: ProcFs;
  readonly #folder: string; // 'thread-self/net' or 'PID/net'
  readonly #nowUs: () => Us;
  readonly #files: readonly ProcNetFile[];
  readonly #role: 'only' | 'beside-diag';
  readonly lost = 0;
  badLines = 0;
  #readUs: Us = 0;
  #dueUs: Us = 0;

  constructor(proc: ProcFs, folder: string, nowUs: () => Us, role: 'only' | 'beside-diag') {
    this.#proc = proc;
    this.#folder = folder;
    this.#nowUs = nowUs;
    this.#role = role;
    this.#files = PROC_NET_FILES.filter((file) => role === 'only' || file.ports !== 'port');
  }

  poll(out: SocketColumns): boolean {
    const now = this.#nowUs();
    if (now < this.#dueUs) return false;
    this.#readUs = now;
    this.#dueUs = now + SECOND_US;
    const context = { netns: 0, seenUs: now, onBadLine: () => void this.badLines++ };
    for (const file of this.#files) readProcNet(this.#proc, this.#folder, file, context, out);
    return true;
  }

  /** It cannot look up one tuple; a new flow brings the next reading forward. */
  find(key: Int32Array): boolean {
    const protocol = keyProtocol(key);
    const known: readonly number[] = DUMPED; // by sock_diag
    if (this.#role === 'only' || !known.includes(protocol))
      this.#dueUs = Math.min(this.#dueUs, this.#readUs + PROC_REST_US);
    return false;
  }
}
