/** What a recorder stored of sockets and their owners, as facts for packets that it did not see. */
import type { LearnedFacts } from '../../attribution/attributor.ts';
import { createColumns, pushRow } from '../../core/columns.ts';
import { splitCommandLine } from '../../core/command-line.ts';
import { UserError } from '../../core/errors.ts';
import { HOLDER_COLUMNS, type Process } from '../../core/process.ts';
import {
  CLOSED_COLUMNS,
  NO_UID,
  OWNER_COLUMNS,
  OwnerEvidence,
  SOCKET_COLUMNS,
  type SocketEventColumns,
  SocketFlag,
  SourceCode,
} from '../../core/socket.ts';
import { SECOND_US, TICK_US, type Us } from '../../core/time.ts';
import { KEY_WORDS, keyProtocol, Protocol } from '../../core/tuple.ts';
import {
  compileClock,
  compileHistory,
  compileHistorySpan,
  compileParent,
  compileRivals,
  compileSetBack,
} from '../../store/compile-history.ts';
import { Reader, type Row } from '../../store/reader.ts';
import { HistoryEvents, type Turn } from './history-events.ts';
import { putKey } from './stored-key.ts';
import { TranslatedSockets } from './translated-sockets.ts';

/** A connection that was closed owns what comes on its tuple so long, as long as TIME_WAIT lasts and again. */
const BEFORE_US = 130 * SECOND_US;
/** Boots of one database count their ticks from 0 each: this tells their processes apart. */
const TICKS_A_BOOT = 2 ** 40;

export interface HistorySpan {
  readonly sockets: number;
  readonly fromUs: Us; // microseconds since the epoch, on the clock of the capture
  readonly toUs: Us;
}

/** Facts in the order of their times, as far as they are asked for: memory holds those of a stretch of time. */
export class History {
  readonly span: HistorySpan;
  readonly #path: string;
  readonly #reader: Reader;
  readonly #offsetUs: Us;
  #rows: Generator<Row> | undefined;
  #translated: TranslatedSockets | undefined;
  #next: Row | undefined;
  readonly #told = new Set<number>(); // processes, by row
  readonly #rivals = new Set<number>(); // sockets, by row: of their packets nobody knows which of two they are of
  readonly #events = new HistoryEvents();

  /**
   * @param offsetUs what the clock of the capture is ahead of that of the history
   * @throws UserError when the database cannot be read, or has no sockets
   */
  constructor(path: string, offsetUs: Us) {
    this.#path = path;
    this.#reader = Reader.open(path);
    this.#offsetUs = offsetUs;
    const [row] = this.#reader.all(compileHistorySpan());
    const sockets = Number(row!.sockets);
    if (sockets === 0) {
      this.#reader.close();
      throw new UserError('no-history', `${path} holds no sockets`, 'Name the database of a recording: pcapid record.');
    }
    for (const twice of this.#reader.all(compileSetBack()))
      for (const { one, other } of this.#reader.rows(compileRivals(Number(twice.from_us), Number(twice.to_us))))
        this.#rivals.add(Number(one)).add(Number(other));
    this.span = { sockets, fromUs: Number(row!.from_us) + offsetUs, toUs: Number(row!.to_us) + offsetUs };
  }

  /**
   * What there is to know of the time until `untilUs`, beyond what was told before; undefined: nothing.
   *
   * @param sinceUs first packet; only asked for the first time
   */
  until(untilUs: Us, sinceUs: Us): LearnedFacts | undefined {
    if (this.#rows === undefined) {
      const fromUs = sinceUs - BEFORE_US - this.#offsetUs;
      this.#rows = this.#reader.rows(compileHistory(fromUs));
      this.#translated = new TranslatedSockets(this.#path, fromUs);
      this.#step();
    }
    if (!this.#isDue(untilUs)) return undefined;
    const facts = new FactsOfHistory(untilUs, this.#events, this.#rivals);
    while (this.#isDue(untilUs)) {
      const socket = this.#takeSocket(this.#next!);
      facts.add(socket, this.#offsetUs, this.#told);
      for (const seen of this.#translated!.of(socket)) facts.add(seen, this.#offsetUs, this.#told);
    }
    return facts.learned;
  }

  /** What happened to the sockets that until() has told of, until then. */
  eventsUntil(untilUs: Us): SocketEventColumns | undefined {
    return this.#events.take(untilUs);
  }

  /** Whoever had the pid last, of those that are not younger than `startTicks` of a process of this history. */
  latest(pid: number, startTicks: number): Process | undefined {
    const [row] = this.#reader.all(compileParent(bootOf(startTicks), pid, startTicks % TICKS_A_BOOT));
    return row === undefined ? undefined : processOf(row);
  }

  /** When a process of this history began, on the clock of the capture; undefined: that clock was not stored. */
  startUs(startTicks: number): Us | undefined {
    const bootUs = (startTicks % TICKS_A_BOOT) * TICK_US;
    const [row] = this.#reader.all(compileClock(bootOf(startTicks), bootUs));
    return row === undefined ? undefined : bootUs + Number(row.offset_us) + this.#offsetUs;
  }

  close(): void {
    this.#rows?.return(undefined);
    this.#translated?.close();
    this.#reader.close();
  }

  #isDue(untilUs: Us): boolean {
    return this.#next !== undefined && Number(this.#next.from_us) + this.#offsetUs <= untilUs;
  }

  /** All rows of the socket that is next. */
  #takeSocket(first: Row): readonly Row[] {
    const rows: Row[] = [];
    for (let row: Row | undefined = first; row !== undefined && row.id === first.id; row = this.#next) {
      rows.push(row);
      this.#step();
    }
    return rows;
  }

  #step(): void {
    const { value, done } = this.#rows!.next();
    this.#next = done === true ? undefined : (value as Row);
  }
}

class FactsOfHistory {
  readonly #sockets = createColumns(SOCKET_COLUMNS);
  readonly #owners = createColumns(OWNER_COLUMNS);
  readonly #closed = createColumns(CLOSED_COLUMNS);
  readonly #processes: Process[] = [];
  readonly #atUs: Us;
  readonly #events: HistoryEvents;
  readonly #rivals: ReadonlySet<number>;

  constructor(atUs: Us, events: HistoryEvents, rivals: ReadonlySet<number>) {
    this.#atUs = atUs;
    this.#events = events;
    this.#rivals = rivals;
  }

  get learned(): LearnedFacts {
    return {
      atUs: this.#atUs,
      sockets: this.#sockets,
      owners: this.#owners,
      closed: this.#closed,
      holders: createColumns(HOLDER_COLUMNS, 1),
      processes: this.#processes,
      scan: null,
      addresses: null,
    };
  }

  /** @param rows of one socket. @param told processes that need no telling, to be continued */
  add(rows: readonly Row[], offsetUs: Us, told: Set<number>): void {
    const [first] = rows;
    const cookie = Number(first!.id); // unlike the kernel's it is unique over boots
    const key = this.#addSocket(first!, cookie, offsetUs);
    const known = rows.filter(({ pid }) => pid !== null);
    const isRival = this.#rivals.has(cookie);
    const acted = isRival ? [] : known.filter(({ role }) => role === null || role === 'actor');
    for (const row of acted.length > 0 ? acted : known) {
      const out = pushRow(this.#owners);
      this.#owners.cookie[out] = cookie;
      this.#owners.pid[out] = Number(row.pid);
      this.#owners.startTicks[out] = startTicksOf(row);
      this.#owners.evidence[out] = acted.length > 0 ? OwnerEvidence.Transfer : OwnerEvidence.Called;
      this.#owners.source[out] = SourceCode.History;
      this.#owners.flags[out] = acted.length === 0 && (isRival || known.length > 1) ? SocketFlag.Shared : 0;
      this.#owners.fromUs[out] = Number(row.role_us ?? row.from_us) + offsetUs;
      if (told.has(Number(row.process))) continue;
      told.add(Number(row.process));
      this.#processes.push(processOf(row));
    }
    const closed = pushRow(this.#closed);
    this.#closed.cookie[closed] = cookie;
    this.#closed.atUs[closed] = Number(first!.to_us) + offsetUs;
    if (first!.remote_bytes === null) return;
    const turns = acted.slice(1).map((row) => turnOf(row, offsetUs)); // the first one began it
    // A datagram socket is told once on each of its peers: one that was seen only then was closed later, or never.
    const isClosed = keyProtocol(key, 0) === Protocol.Tcp || first!.to_us !== first!.from_us;
    const closedUs = isClosed ? this.#closed.atUs[closed]! : undefined;
    this.#events.add(key, cookie, Number(first!.from_us) + offsetUs, turns, closedUs);
  }

  /** @returns its key */
  #addSocket(row: Row, cookie: number, offsetUs: Us): Int32Array {
    const out = pushRow(this.#sockets);
    const { key } = this.#sockets;
    const at = out * KEY_WORDS;
    const local = row.local_bytes as unknown as Uint8Array;
    const remote = (row.remote_bytes as unknown as Uint8Array | null) ?? new Uint8Array(local.length);
    const ports = [Number(row.local_port ?? 0), Number(row.remote_port ?? 0)] as const;
    putKey(key, at, Number(row.protocol), [local, remote], ports);
    this.#sockets.cookie[out] = cookie;
    this.#sockets.seenUs[out] = Number(row.from_us) + offsetUs;
    this.#sockets.uid[out] = row.socket_uid === null ? NO_UID : Number(row.socket_uid);
    this.#sockets.netns[out] = Number(row.netns ?? 0);
    this.#sockets.state[out] = Number(row.state);
    this.#sockets.source[out] = SourceCode.History;
    return key.slice(at, at + KEY_WORDS);
  }
}

function turnOf(row: Row, offsetUs: Us): Turn {
  const edge = row.sent_from !== null ? SocketFlag.SentFrom : row.received_from !== null ? SocketFlag.ReceivedFrom : 0;
  return { atUs: Number(row.role_us) + offsetUs, edge, sequence: Number(row.sent_from ?? row.received_from ?? 0) };
}

const bootOf = (startTicks: number): number => Math.floor(startTicks / TICKS_A_BOOT) + 1;
const startTicksOf = (row: Row): number => Number(row.start_ticks) + (Number(row.boot) - 1) * TICKS_A_BOOT;

function processOf(row: Row): Process {
  const text = (name: string): string | null => row[name] as string | null;
  const line = text('cmdline');
  return {
    pid: Number(row.pid),
    startTicks: startTicksOf(row),
    parentPid: Number(row.parent_pid),
    comm: text('comm') ?? '',
    exe: text('exe'),
    argv: line === null ? null : splitCommandLine(line),
    uid: Number(row.uid),
    cgroup: text('cgroup'),
    unit: text('unit'),
    container: text('container'),
    netns: Number(row.process_netns ?? 0),
    forked: false,
  };
}
