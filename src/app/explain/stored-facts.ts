/** Rows of a database as the facts and the end of a flow that the rules look at: so they can be asked again. */
import type { Facts } from '../../attribution/facts.ts';
import type { FlowEnd } from '../../attribution/flow-end.ts';
import { HolderTable } from '../../attribution/holder-table.ts';
import { OwnerTable } from '../../attribution/owner-table.ts';
import { ProcessTable } from '../../attribution/process-table.ts';
import { SocketTable } from '../../attribution/socket-table.ts';
import { isMulticast } from '../../core/address.ts';
import { createColumns, pushRow } from '../../core/columns.ts';
import { splitCommandLine } from '../../core/command-line.ts';
import { FlowEnd as FlowEndReason } from '../../core/flow.ts';
import { HOLDER_COLUMNS, type Process } from '../../core/process.ts';
import {
  CLOSED_COLUMNS,
  NO_UID,
  OWNER_COLUMNS,
  OwnerEvidence,
  SOCKET_COLUMNS,
  SocketState,
  SourceCode,
} from '../../core/socket.ts';
import type { Us } from '../../core/time.ts';
import { K_FIRST, KEY_WORDS } from '../../core/tuple.ts';
import type { Row } from '../../store/reader.ts';
import { putKey } from '../read/stored-key.ts';

export type Side = 'src' | 'dst';

/** Where a row holds no number of the kernel's, that of the row stands for it: it is as unique. */
const SUBSTITUTE = 2 ** 50;

/** The tables of one end, with the clock of the boot on which they are joined. */
export class StoredFacts implements Facts {
  readonly sockets = new SocketTable();
  readonly owners = new OwnerTable();
  readonly holders = new HolderTable();
  readonly processes = new ProcessTable();
  readonly scan = {
    startedUs: 0,
    isSnapshot: false,
    deniedUids: new Set<number>(),
    partlyDeniedUids: new Set<number>(),
  };
  readonly lost = [];
  readonly #offsetUs: Us;
  readonly #source: number; // of sockets that were stored without one

  constructor(offsetUs: Us, source: number) {
    this.#offsetUs = offsetUs;
    this.#source = source;
  }

  /** @param people with what they had to do with it. @returns the socket's row in `sockets` */
  add(socket: Row, people: readonly Row[]): number {
    const row = this.#addSocket(socket);
    for (const person of people) this.#addPerson(socket, row, person);
    if (this.sockets.isTold(row)) {
      const closed = createColumns(CLOSED_COLUMNS, 1);
      closed.cookie[pushRow(closed)] = this.sockets.facts.cookie[row]!;
      closed.atUs[0] = this.#bootUs(socket.to_us);
      this.sockets.close(closed);
    }
    return row;
  }

  #addSocket(socket: Row): number {
    const seen = createColumns(SOCKET_COLUMNS, 2);
    for (const us of [socket.from_us, socket.to_us]) {
      const out = pushRow(seen);
      const local = bytesOf(socket.local_bytes)!;
      const remote = bytesOf(socket.remote_bytes) ?? new Uint8Array(local.length);
      const ports = [Number(socket.local_port ?? 0), Number(socket.remote_port ?? 0)] as const;
      putKey(seen.key, out * KEY_WORDS, Number(socket.protocol), [local, remote], ports);
      seen.cookie[out] = Number(socket.cookie ?? -SUBSTITUTE - Number(socket.id));
      seen.inode[out] = Number(socket.inode ?? SUBSTITUTE + Number(socket.id));
      seen.seenUs[out] = this.#bootUs(us);
      seen.uid[out] = socket.uid === null ? NO_UID : Number(socket.uid);
      seen.netns[out] = Number(socket.netns ?? 0);
      seen.state[out] = Number(socket.state);
      seen.source[out] = Number(socket.source ?? this.#source);
    }
    this.sockets.observe(seen, () => {});
    let row = this.sockets.firstOn(seen.key, 0);
    while (this.sockets.facts.cookie[row] !== seen.cookie[0]) row = this.sockets.nextOn(row, seen.key, 0);
    return row;
  }

  /** A role that was not stored is that of whoever used it last, which is what stands in a socket that was told of. */
  #addPerson(socket: Row, row: number, person: Row): void {
    const process = processOf(person);
    this.processes.observe(process, this.#bootUs(person.first_us));
    const isTold = this.sockets.isTold(row) && socket.state !== SocketState.Listen;
    const role = person.role ?? (isTold ? 'actor' : 'holder');
    const [fromUs, toUs] = [person.role_from_us ?? socket.from_us, person.role_to_us ?? socket.to_us].map((us) =>
      this.#bootUs(us),
    ) as [Us, Us];
    if (role === 'actor' || role === 'creator') {
      const owners = createColumns(OWNER_COLUMNS, 1);
      pushRow(owners);
      owners.cookie[0] = this.sockets.facts.cookie[row]!;
      owners.pid[0] = process.pid;
      owners.startTicks[0] = process.startTicks;
      owners.evidence[0] = role === 'actor' ? OwnerEvidence.Transfer : OwnerEvidence.Created;
      owners.source[0] = this.sockets.facts.source[row]!;
      owners.fromUs[0] = fromUs;
      this.owners.observe(owners, () => {});
      return;
    }
    const holders = createColumns(HOLDER_COLUMNS, 2);
    for (const us of [fromUs, toUs]) {
      const out = pushRow(holders);
      holders.inode[out] = this.sockets.facts.inode[row]!;
      holders.pid[out] = process.pid;
      holders.startTicks[out] = process.startTicks;
      holders.seenUs[out] = us;
    }
    this.holders.observe(holders, () => {});
  }

  #bootUs(us: unknown): Us {
    return Number(us) - this.#offsetUs;
  }
}

/**
 * What is not stored of an end is taken as it most often is: it was not refused, and did not begin with a handover.
 *
 * @param cookie 0: not to be used. @param cutUs when the next process took the socket over, which ended it, else Infinity
 */
export function endOf(flow: Row, side: Side, cookie: number, cutUs: Us): FlowEnd {
  const offsetUs: Us = Number(flow.offset_us ?? 0);
  const other = side === 'src' ? 'dst' : 'src';
  const key = new Int32Array(KEY_WORDS);
  const nat = new Int32Array(KEY_WORDS);
  const fill = (words: Int32Array, before: string): void => {
    const ends = [bytesOf(flow[`${before}${side}_bytes`]), bytesOf(flow[`${before}${other}_bytes`])] as const;
    if (ends[0] === null || ends[1] === null) return;
    const ports = [Number(flow[`${before}${side}_port`] ?? 0), Number(flow[`${before}${other}_port`] ?? 0)] as const;
    putKey(words, 0, Number(flow.protocol), [ends[0], ends[1]], ports);
  };
  fill(key, '');
  fill(nat, 'nat_');
  const [netns, ownNetns] = [Number(flow.netns ?? 0), Number(flow[`${side}_netns`] ?? 0)];
  return {
    key,
    nat,
    at: 0,
    firstUs: Number(flow.first_us) - offsetUs,
    lastUs: Number(flow.last_us) - offsetUs,
    ended: flow.end_reason !== null,
    beganIt: side === 'src',
    isRefused: false,
    isCut: flow.end_reason === FlowEndReason.Forced,
    isHanded: false,
    handedUs: 0,
    cutUs: cutUs - offsetUs,
    ifindex: Number(flow.ifindex ?? 0),
    netns,
    cookie,
    isMulticast: isMulticast(key, K_FIRST),
    isForeign: netns !== 0 && ownNetns !== 0 && netns !== ownNetns,
  };
}

/** Sockets that an older version stored: each was told of, unless the flow says otherwise. */
export const sourceOfEnd = (flow: Row, side: Side): number => Number(flow[`${side}_source`] ?? SourceCode.History);

const bytesOf = (value: unknown): Uint8Array | null => (value instanceof Uint8Array ? value : null);

function processOf(row: Row): Process {
  const text = (name: string): string | null => (row[name] === null ? null : String(row[name]));
  const line = text('cmdline');
  return {
    pid: Number(row.pid),
    startTicks: Number(row.start_ticks),
    parentPid: Number(row.parent_pid),
    comm: text('comm') ?? '',
    exe: text('exe'),
    argv: line === null ? null : splitCommandLine(line),
    uid: row.uid === null ? NO_UID : Number(row.uid),
    cgroup: text('cgroup'),
    unit: text('unit'),
    container: text('container'),
    netns: Number(row.netns ?? 0),
    forked: row.has_children === 1,
  };
}
