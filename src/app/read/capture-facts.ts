/** What a capture file itself says about processes behind its packets, as facts for the attribution. */
import type { LearnedFacts } from '../../attribution/attributor.ts';
import { isMulticast } from '../../core/address.ts';
import { createColumns, pushRow } from '../../core/columns.ts';
import { type DecodedBatch, DecodeStatus } from '../../core/decoded.ts';
import { type PacketBatch, PacketType, timeOf } from '../../core/packet.ts';
import { HOLDER_COLUMNS, type Process } from '../../core/process.ts';
import {
  NO_UID,
  OWNER_COLUMNS,
  OwnerEvidence,
  SOCKET_COLUMNS,
  type SocketColumns,
  SocketState,
  SourceCode,
} from '../../core/socket.ts';
import { TICK_US, type Us } from '../../core/time.ts';
import { K_FIRST, K_SCOPE, KEY_WORDS, reverseKey } from '../../core/tuple.ts';
import type { NotedProcess } from '../../pcap/noted-process.ts';
import type { NotedEnd, PacketNotes } from '../../pcap/packet-notes.ts';

/** Tuples and processes that are remembered; beyond, all are told anew. */
const MOST = 1 << 18;
const MOST_ADDRESSES = 4096;

/** A socket as far as packets show it: its tuple. */
interface Shown {
  readonly cookie: number; // negative: no kernel gave it
  process: Process;
  isLikely: boolean;
}

/**
 * Keeps what was told already, so that facts are few. The process of a packet has the end that the packet left, or that
 * it came to where the file says that it came in.
 */
export class CaptureFacts {
  readonly #shown = new Map<string, Shown>(); // by tuple, local end first
  readonly #processes = new Map<NotedProcess, Process>();
  readonly #told = new Map<string, Process>(); // by pid and start
  readonly #locals = new Map<string, Int32Array>();
  #sockets = 0;
  readonly #key = new Int32Array(KEY_WORDS);

  /** Addresses of the host that made the file. */
  get addresses(): readonly Int32Array[] {
    return [...this.#locals.values()];
  }

  /** @returns undefined when the file says nothing of these packets */
  take(batch: PacketBatch, decoded: DecodedBatch, { rows, processes, ends }: PacketNotes): LearnedFacts | undefined {
    if (rows.length === 0) return undefined;
    const sockets = createColumns(SOCKET_COLUMNS);
    const owners = createColumns(OWNER_COLUMNS);
    const news: Process[] = [];
    const seen = new Map<Shown, number>(); // row of `sockets` that says until when
    const locals = this.#locals.size;
    let atUs = 0;
    rows.forEach((i, n) => {
      if (decoded.status[i] !== DecodeStatus.Ok) return;
      const timeUs = timeOf(batch, i);
      atUs = Math.max(atUs, timeUs);
      const noted = processes[n]!;
      const process = this.#process(noted, news);
      const { isLikely } = noted;
      this.#setKey(decoded, i, ends[n] ?? endOf(batch.pktType[i]!));
      const name = String.fromCharCode(...new Uint16Array(this.#key.buffer));
      let shown = this.#shown.get(name);
      const isOther = shown?.process !== process || shown.isLikely !== isLikely;
      // Who is likely acts on nothing: its socket is its own, so that another one's packets are not taken for it.
      if (isOther && (isLikely || shown?.isLikely === true)) shown = undefined;
      const isNew = shown === undefined;
      if (shown === undefined || isOther) {
        if (this.#shown.size >= MOST) this.#shown.clear();
        shown ??= { cookie: -++this.#sockets, process, isLikely };
        shown.process = process;
        this.#shown.set(name, shown);
        const row = pushRow(owners);
        owners.cookie[row] = shown.cookie;
        owners.pid[row] = process.pid;
        owners.startTicks[row] = process.startTicks;
        owners.evidence[row] = isLikely ? OwnerEvidence.Snapshot : OwnerEvidence.Transfer;
        owners.source[row] = SourceCode.Capture;
        owners.fromUs[row] = timeUs - noted.gapUs;
      }
      if (isNew) this.#addSocket(sockets, shown, timeUs);
      let row = seen.get(shown);
      if (row === undefined) {
        row = this.#addSocket(sockets, shown, timeUs);
        seen.set(shown, row);
      }
      sockets.seenUs[row] = Math.max(sockets.seenUs[row]!, timeUs);
    });
    return {
      atUs,
      sockets,
      owners,
      holders: createColumns(HOLDER_COLUMNS, 1),
      processes: news,
      scan: null,
      addresses: this.#locals.size > locals ? { unicast: this.addresses, broadcast: [] } : null,
    };
  }

  #process(noted: NotedProcess, news: Process[]): Process {
    const known = this.#processes.get(noted);
    if (known !== undefined) return known;
    const process = processOf(noted);
    const name = `${process.pid} ${process.startTicks}`;
    const told = this.#told.get(name);
    const same = told !== undefined && told.comm === process.comm && told.exe === process.exe ? told : process;
    if (same === process) {
      news.push(process);
      if (this.#told.size >= MOST) this.#told.clear();
      this.#told.set(name, process);
    }
    if (this.#processes.size >= MOST) this.#processes.clear();
    this.#processes.set(noted, same);
    return same;
  }

  /** The tuple with the end first that the process has. */
  #setKey(decoded: DecodedBatch, i: number, end: NotedEnd): void {
    const at = i * KEY_WORDS;
    if (end === 'src') {
      for (let w = 0; w < KEY_WORDS; w++) this.#key[w] = decoded.key[at + w]!;
    } else reverseKey(decoded.key, at, this.#key, 0);
    if (this.#locals.size >= MOST_ADDRESSES || isMulticast(this.#key, K_FIRST)) return;
    const local = this.#key.slice(K_FIRST, K_FIRST + 4);
    this.#locals.set(local.join(), local);
  }

  #addSocket(sockets: SocketColumns, { cookie }: Shown, seenUs: Us): number {
    const row = pushRow(sockets);
    sockets.key.set(this.#key, row * KEY_WORDS);
    sockets.cookie[row] = cookie;
    sockets.seenUs[row] = seenUs;
    sockets.uid[row] = NO_UID;
    sockets.boundIfindex[row] = this.#key[K_SCOPE]!;
    sockets.state[row] = SocketState.Established;
    sockets.source[row] = SourceCode.Capture;
    return row;
  }
}

const endOf = (way: number): NotedEnd => (way === PacketType.Outgoing || way === PacketType.Unknown ? 'src' : 'dst');

/** The start since the epoch stands for that since boot: it only has to tell two processes of one pid apart. */
export function processOf(noted: NotedProcess): Process {
  return {
    pid: noted.pid,
    startTicks: noted.startTicks ?? Math.floor(noted.startUs / TICK_US),
    parentPid: noted.parentPid ?? 0,
    comm: noted.comm ?? noted.exe?.slice(noted.exe.lastIndexOf('/') + 1) ?? '',
    exe: noted.exe,
    argv: noted.argv,
    uid: noted.uid ?? NO_UID,
    cgroup: null,
    unit: noted.unit,
    container: noted.container,
    netns: 0,
    forked: false,
  };
}
