import { isLinkLocal, isUnspecified } from '../core/address.ts';
import { NO_UID, type SocketColumns, SocketState } from '../core/socket.ts';
import type { Us } from '../core/time.ts';
import {
  equalKeys,
  hashKey,
  hashPort,
  K_FIRST,
  K_PORTS,
  K_SCOPE,
  K_SECOND,
  KEY_WORDS,
  keyFirstPort,
  keyProtocol,
  mixHash,
} from '../core/tuple.ts';
import { RowIndex } from './row-index.ts';
import { RowStore } from './row-store.ts';

const FACT_COLUMNS = {
  key: 'key', // local, remote
  cookie: 'f64',
  inode: 'f64', // kept when the socket becomes an orphan or TIME_WAIT and the kernel forgets it
  uid: 'u32',
  boundIfindex: 'u32',
  state: 'u8',
  source: 'u8',
  fromUs: 'f64', // first and last time a source saw it, CLOCK_BOOTTIME
  toUs: 'f64',
} as const;

/**
 * Sockets of this host with the interval in which they were seen.
 *
 * A row is one socket on one tuple: the same cookie on another tuple (connect, reconnect of UDP) is
 * another row, and so is another socket on the same tuple. Without cookies (/proc/net) the inode and
 * the tuple together are the identity.
 */
export class SocketTable {
  readonly #store = new RowStore(FACT_COLUMNS);
  readonly facts = this.#store.columns;
  readonly #byTuple = new RowIndex();
  readonly #byPort = new RowIndex(); // only sockets without a remote end
  readonly #byIdentity = new RowIndex();
  readonly #byInode = new RowIndex();

  get size(): number {
    return this.#store.size;
  }

  /** Takes what a source saw. Calls `onChange` with every row that is new or gained an inode. */
  observe(seen: SocketColumns, onChange: (row: number) => void): void {
    for (let i = 0; i < seen.count; i++) {
      normalizeScope(seen, i);
      const row = this.#findSame(seen, i);
      if (row === -1) onChange(this.#add(seen, i));
      else if (this.#extend(row, seen, i)) onChange(row);
    }
  }

  /** Rows whose tuple is exactly `key[at]`; newest first. */
  *onTuple(key: Int32Array, at: number): Generator<number> {
    const { facts } = this;
    for (let row = this.#byTuple.first(hashKey(key, at)); row !== -1; row = this.#byTuple.next(row)) {
      if (equalKeys(facts.key, row * KEY_WORDS, key, at)) yield row;
    }
  }

  /** Rows without a remote end (listeners, unconnected UDP, raw) on that local port. */
  *onPort(protocol: number, port: number): Generator<number> {
    const { facts } = this;
    for (let row = this.#byPort.first(hashPort(protocol, port)); row !== -1; row = this.#byPort.next(row)) {
      const at = row * KEY_WORDS;
      if (keyProtocol(facts.key, at) === protocol && keyFirstPort(facts.key, at) === port) yield row;
    }
  }

  *withInode(inode: number): Generator<number> {
    const hash = mixHash(inode | 0);
    for (let row = this.#byInode.first(hash); row !== -1; row = this.#byInode.next(row)) {
      if (this.facts.inode[row] === inode) yield row;
    }
  }

  /** Forgets sockets last seen before `beforeUs`; calls `onForget` for each while its row is still readable. */
  forget(beforeUs: Us, onForget: (row: number) => void): void {
    for (const row of this.#store.rows()) {
      if (this.facts.toUs[row]! >= beforeUs) continue;
      onForget(row);
      this.#byTuple.remove(row);
      this.#byIdentity.remove(row);
      if (this.hasNoRemote(row)) this.#byPort.remove(row);
      if (this.facts.inode[row] !== 0) this.#byInode.remove(row);
      this.#store.free(row);
    }
  }

  rows(): Generator<number> {
    return this.#store.rows();
  }

  hasNoRemote(row: number): boolean {
    const at = row * KEY_WORDS;
    const { key } = this.facts;
    return (key[at + K_PORTS]! & 0xffff) === 0 && isUnspecified(key, at + K_SECOND);
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
    const row = this.#store.take();
    facts.key.set(seen.key.subarray(i * KEY_WORDS, (i + 1) * KEY_WORDS), row * KEY_WORDS);
    facts.cookie[row] = seen.cookie[i]!;
    facts.inode[row] = seen.inode[i]!;
    facts.uid[row] = seen.uid[i]!;
    facts.boundIfindex[row] = seen.boundIfindex[i]!;
    facts.state[row] = seen.state[i]!;
    facts.source[row] = seen.source[i]!;
    facts.fromUs[row] = seen.seenUs[i]!;
    facts.toUs[row] = seen.seenUs[i]!;
    const at = row * KEY_WORDS;
    this.#byTuple.add(hashKey(facts.key, at), row);
    this.#byIdentity.add(identity(seen, i), row);
    if (this.hasNoRemote(row)) this.#byPort.add(hashPort(keyProtocol(facts.key, at), keyFirstPort(facts.key, at)), row);
    if (facts.inode[row] !== 0) this.#byInode.add(mixHash(facts.inode[row]! | 0), row);
    return row;
  }

  /** @returns whether the row learned something that can name a flow */
  #extend(row: number, seen: SocketColumns, i: number): boolean {
    const { facts } = this;
    const stateChanged = facts.state[row] !== seen.state[i];
    facts.state[row] = seen.state[i]!;
    facts.fromUs[row] = Math.min(facts.fromUs[row]!, seen.seenUs[i]!);
    facts.toUs[row] = Math.max(facts.toUs[row]!, seen.seenUs[i]!);
    if (seen.uid[i] !== NO_UID) facts.uid[row] = seen.uid[i]!;
    if (seen.inode[i] === 0 || facts.inode[row] === seen.inode[i]) return stateChanged;
    if (facts.inode[row] !== 0) this.#byInode.remove(row);
    facts.inode[row] = seen.inode[i]!;
    this.#byInode.add(mixHash(facts.inode[row]! | 0), row);
    return true;
  }
}

/** Link-local addresses mean something only with their interface; for all others the scope is 0 in flows too. */
function normalizeScope(seen: SocketColumns, i: number): void {
  const at = i * KEY_WORDS;
  const scoped = isLinkLocal(seen.key, at + K_FIRST) || isLinkLocal(seen.key, at + K_SECOND);
  seen.key[at + K_SCOPE] = scoped ? seen.boundIfindex[i]! : 0;
}

function identity(seen: SocketColumns, i: number): number {
  const number = seen.cookie[i] !== 0 ? seen.cookie[i]! : seen.inode[i]!;
  return mixHash((number | 0) ^ hashKey(seen.key, i * KEY_WORDS));
}

/** States in which a TCP socket still belongs to a connection whose last packets have passed. */
export function isClosing(state: number): boolean {
  return (
    state === SocketState.TimeWait ||
    state === SocketState.FinWait1 ||
    state === SocketState.FinWait2 ||
    state === SocketState.CloseWait ||
    state === SocketState.LastAck ||
    state === SocketState.Closing
  );
}
