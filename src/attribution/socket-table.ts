import { isLinkLocal, isUnspecified } from '../core/address.ts';
import { createColumns } from '../core/columns.ts';
import { RowIndex } from '../core/row-index.ts';
import {
  type ClosedColumns,
  NO_UID,
  SOCKET_COLUMNS,
  type SocketColumns,
  SocketState,
  SourceCode,
  TOTALS,
} from '../core/socket.ts';
import type { Us } from '../core/time.ts';
import {
  equalKeys,
  hashKey,
  hashPort,
  K_FIRST,
  K_META,
  K_PORTS,
  K_SCOPE,
  K_SECOND,
  KEY_WORDS,
  keyFirstPort,
  keyProtocol,
  mixHash,
  Protocol,
} from '../core/tuple.ts';
import { RowStore } from './row-store.ts';

/** Rows at most; what comes beyond is counted, not taken. */
const MOST = 1 << 20;

const FACT_COLUMNS = {
  key: 'key', // local, remote
  cookie: 'f64',
  inode: 'f64', // kept when the socket becomes an orphan or TIME_WAIT and the kernel forgets it
  netns: 'f64', // inode of its namespace, 0: not known
  uid: 'u32',
  boundIfindex: 'u32',
  state: 'u8',
  source: 'u8',
  fromUs: 'f64', // first and last time a source saw it, CLOCK_BOOTTIME
  toUs: 'f64',
  closedUs: 'f64', // when its last descriptor was closed, Infinity: nobody told
  hasTotals: 'u8', // this and the following as in CLOSED_COLUMNS
  sentBytes: 'f64',
  ackedBytes: 'f64',
  receivedBytes: 'f64',
} as const;

/**
 * Sockets of this host with the interval in which they were seen.
 *
 * A row is one socket on one tuple: the same cookie on another tuple (connect, reconnect of UDP, each client of a UDP
 * server) is another row, and so is another socket on the same tuple. Without cookies (/proc/net) the inode and the
 * tuple together are the identity. What is true of the socket on all its tuples (inode, end, listening) is in each row.
 */
export class SocketTable {
  readonly #store = new RowStore(FACT_COLUMNS);
  readonly facts = this.#store.columns;
  readonly #byTuple = new RowIndex();
  readonly #byPort = new RowIndex(); // only sockets without a remote end
  readonly #byIdentity = new RowIndex();
  readonly #byInode = new RowIndex();
  readonly #byCookie = new RowIndex();
  readonly #one = createColumns(SOCKET_COLUMNS, 1);
  refused = 0; // rows for which there was no room

  get size(): number {
    return this.#store.size;
  }

  /** Takes what a source saw. Calls `onChange` with every row that is new or gained an inode. */
  observe(seen: SocketColumns, onChange: (row: number) => void): void {
    for (let i = 0; i < seen.count; i++) {
      normalizeScope(seen, i);
      const row = this.#findSame(seen, i);
      if (row !== -1) {
        if (this.#extend(row, seen, i)) onChange(row);
      } else if (this.#store.size >= MOST) this.refused++;
      else onChange(this.#add(seen, i));
    }
  }

  /** Sockets that nobody holds any more. Calls `onChange` with the rows of those that are known only by their end. */
  close(closed: ClosedColumns, onChange: (row: number) => void = () => {}): void {
    for (let i = 0; i < closed.count; i++) {
      const first = this.firstOf(closed.cookie[i]!);
      const isEnd = closed.atUs[i] !== 0;
      for (let row = first; isEnd && row !== -1; row = this.nextOf(row)) {
        this.facts.closedUs[row] = Math.min(this.facts.closedUs[row]!, closed.atUs[i]!);
        // Of an end that was only heard of, late: by then the tuple may be that of the next connection.
        if (this.isTold(row) || keyProtocol(this.facts.key, row * KEY_WORDS) !== Protocol.Tcp)
          this.facts.toUs[row] = Math.max(this.facts.toUs[row]!, closed.atUs[i]!);
      }
      if (isEnd && first === -1 && closed.key[i * KEY_WORDS + K_META] !== 0) this.#addClosed(closed, i, onChange);
      const row = closed.hasTotals[i] === 1 ? this.firstOf(closed.cookie[i]!) : -1;
      if (row !== -1) for (const name of TOTALS) this.facts[name][row] = closed[name][i]!;
    }
  }

  #addClosed(closed: ClosedColumns, i: number, onChange: (row: number) => void): void {
    const seen = this.#one;
    seen.count = 1;
    seen.key.set(closed.key.subarray(i * KEY_WORDS, (i + 1) * KEY_WORDS));
    seen.cookie[0] = closed.cookie[i]!;
    seen.seenUs[0] = closed.atUs[i]!;
    seen.uid[0] = NO_UID;
    seen.state[0] = SocketState.Close;
    seen.source[0] = SourceCode.Diag;
    this.observe(seen, (row) => {
      this.facts.closedUs[row] = closed.atUs[i]!;
      onChange(row);
    });
  }

  /** Nobody saw it while it was there. */
  isKnownByEnd(row: number): boolean {
    return !this.isTold(row) && this.facts.closedUs[row] === this.facts.fromUs[row];
  }

  /** Packets show that the socket was there. */
  use(row: number, atUs: Us): void {
    if (this.isTold(row) && this.facts.toUs[row]! < atUs) this.facts.toUs[row] = atUs;
  }

  /**
   * The kernel told of this socket when it came and will tell when it ends, or a recorder stored both; others have to be
   * seen again and again.
   */
  isTold(row: number): boolean {
    const source = this.facts.source[row];
    return source === SourceCode.Bpf || source === SourceCode.Cgroup || source === SourceCode.History;
  }

  /** Until when it is known to have been there. */
  untilUs(row: number): Us {
    return this.isTold(row) ? this.facts.closedUs[row]! : this.facts.toUs[row]!;
  }

  /** When it was there for the last time, for its history. */
  lastUs(row: number): Us {
    const { toUs, closedUs } = this.facts;
    return closedUs[row] === Infinity ? toUs[row]! : Math.max(toUs[row]!, closedUs[row]!);
  }

  /** First row whose tuple is exactly `key[at]`, newest first; -1: none. */
  firstOn(key: Int32Array, at: number): number {
    return this.#skipTo(this.#byTuple.first(hashKey(key, at)), key, at);
  }

  nextOn(row: number, key: Int32Array, at: number): number {
    return this.#skipTo(this.#byTuple.next(row), key, at);
  }

  /** Rows without a remote end (listeners, unconnected UDP, raw) on that local port. */
  onPort(protocol: number, port: number): readonly number[] {
    const { key } = this.facts;
    const rows: number[] = [];
    for (let row = this.#byPort.first(hashPort(protocol, port)); row !== -1; row = this.#byPort.next(row)) {
      const at = row * KEY_WORDS;
      if (keyProtocol(key, at) === protocol && keyFirstPort(key, at) === port) rows.push(row);
    }
    return rows;
  }

  *withInode(inode: number): Generator<number> {
    const hash = mixHash(inode | 0);
    for (let row = this.#byInode.first(hash); row !== -1; row = this.#byInode.next(row)) {
      if (this.facts.inode[row] === inode) yield row;
    }
  }

  /** First row of a socket, the newest; -1: none, also for cookie 0. */
  firstOf(cookie: number): number {
    if (cookie === 0) return -1;
    let row = this.#byCookie.first(mixHash(cookie | 0));
    while (row !== -1 && this.facts.cookie[row] !== cookie) row = this.#byCookie.next(row);
    return row;
  }

  nextOf(row: number): number {
    let next = this.#byCookie.next(row);
    while (next !== -1 && this.facts.cookie[next] !== this.facts.cookie[row]) next = this.#byCookie.next(next);
    return next;
  }

  /** Another socket may take its row. */
  drop(row: number): void {
    for (const index of [this.#byTuple, this.#byIdentity, this.#byPort, this.#byInode, this.#byCookie])
      index.remove(row);
    this.#store.free(row);
  }

  rows(): Generator<number> {
    return this.#store.rows();
  }

  hasNoRemote(row: number): boolean {
    const at = row * KEY_WORDS;
    const { key } = this.facts;
    return (key[at + K_PORTS]! & 0xffff) === 0 && isUnspecified(key, at + K_SECOND);
  }

  #skipTo(from: number, key: Int32Array, at: number): number {
    let row = from;
    while (row !== -1 && !equalKeys(this.facts.key, row * KEY_WORDS, key, at)) row = this.#byTuple.next(row);
    return row;
  }

  #findSame(seen: SocketColumns, i: number): number {
    const { facts } = this;
    for (let row = this.#byIdentity.first(identity(seen, i)); row !== -1; row = this.#byIdentity.next(row)) {
      const same = seen.cookie[i] !== 0 ? facts.cookie[row] === seen.cookie[i] : facts.inode[row] === seen.inode[i];
      if (same && equalKeys(facts.key, row * KEY_WORDS, seen.key, i * KEY_WORDS)) return row;
    }
    return -1;
  }

  #add(seen: SocketColumns, i: number): number {
    const { facts } = this;
    const sibling = this.firstOf(seen.cookie[i]!);
    const row = this.#store.take();
    facts.key.set(seen.key.subarray(i * KEY_WORDS, (i + 1) * KEY_WORDS), row * KEY_WORDS);
    facts.cookie[row] = seen.cookie[i]!;
    facts.inode[row] = seen.inode[i]! || (sibling === -1 ? 0 : facts.inode[sibling]!);
    facts.netns[row] = seen.netns[i]! || (sibling === -1 ? 0 : facts.netns[sibling]!);
    facts.uid[row] = seen.uid[i] === NO_UID && sibling !== -1 ? facts.uid[sibling]! : seen.uid[i]!;
    facts.boundIfindex[row] = seen.boundIfindex[i]!;
    facts.state[row] = sibling !== -1 && isListening(facts.state[sibling]!) ? SocketState.Listen : seen.state[i]!;
    facts.source[row] = seen.source[i]!;
    facts.fromUs[row] = seen.seenUs[i]!;
    facts.toUs[row] = seen.seenUs[i]!;
    facts.hasTotals[row] = 0;
    facts.closedUs[row] = sibling === -1 ? Infinity : facts.closedUs[sibling]!;
    const at = row * KEY_WORDS;
    this.#byTuple.add(hashKey(facts.key, at), row);
    this.#byIdentity.add(identity(seen, i), row);
    if (this.hasNoRemote(row)) this.#byPort.add(hashPort(keyProtocol(facts.key, at), keyFirstPort(facts.key, at)), row);
    if (facts.inode[row] !== 0) this.#byInode.add(mixHash(facts.inode[row]! | 0), row);
    if (facts.cookie[row] !== 0) this.#byCookie.add(mixHash(facts.cookie[row]! | 0), row);
    if (sibling !== -1 && this.#knowsMore(row, sibling)) this.#tellSiblings(row);
    return row;
  }

  /** @returns whether the row learned something that can name a flow */
  #extend(row: number, seen: SocketColumns, i: number): boolean {
    const { facts } = this;
    const state = isListening(facts.state[row]!) && !this.hasNoRemote(row) ? SocketState.Listen : seen.state[i]!;
    const isNews = facts.state[row] !== state || seen.source[i]! < facts.source[row]!;
    facts.state[row] = state;
    facts.source[row] = Math.min(facts.source[row]!, seen.source[i]!);
    facts.fromUs[row] = Math.min(facts.fromUs[row]!, seen.seenUs[i]!);
    facts.toUs[row] = Math.max(facts.toUs[row]!, seen.seenUs[i]!);
    facts.netns[row] ||= seen.netns[i]!;
    if (seen.uid[i] !== NO_UID) facts.uid[row] = seen.uid[i]!;
    const isAnotherInode = seen.inode[i] !== 0 && facts.inode[row] !== seen.inode[i];
    if (isAnotherInode) this.#setInode(row, seen.inode[i]!);
    if (isAnotherInode || isNews) this.#tellSiblings(row);
    return isAnotherInode || isNews;
  }

  #knowsMore(row: number, sibling: number): boolean {
    const { inode, state } = this.facts;
    return (inode[row] !== 0 && inode[sibling] === 0) || (isListening(state[row]!) && !isListening(state[sibling]!));
  }

  /** The other tuples of the same socket learn its inode, and that it listens: a packet with its cookie is a SYN then. */
  #tellSiblings(row: number): void {
    const { inode, state, cookie } = this.facts;
    const listens = isListening(state[row]!);
    for (let other = this.firstOf(cookie[row]!); other !== -1; other = this.nextOf(other)) {
      if (inode[other] === 0 && inode[row] !== 0) this.#setInode(other, inode[row]!);
      if (listens) state[other] = SocketState.Listen;
    }
  }

  #setInode(row: number, inode: number): void {
    this.#byInode.remove(row);
    this.facts.inode[row] = inode;
    this.#byInode.add(mixHash(inode | 0), row);
  }
}

/** Link-local addresses mean something only with their interface; for all others the scope is 0 in flows too. */
function normalizeScope(seen: SocketColumns, i: number): void {
  const at = i * KEY_WORDS;
  const scoped = isLinkLocal(seen.key, at + K_FIRST) || isLinkLocal(seen.key, at + K_SECOND);
  seen.key[at + K_SCOPE] = scoped ? seen.key[at + K_SCOPE]! || seen.boundIfindex[i]! : 0;
}

function identity(seen: SocketColumns, i: number): number {
  const number = seen.cookie[i] !== 0 ? seen.cookie[i]! : seen.inode[i]!;
  return mixHash((number | 0) ^ hashKey(seen.key, i * KEY_WORDS));
}

const isListening = (state: number): boolean => state === SocketState.Listen;
