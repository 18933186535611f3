import { createColumns } from '../../../core/columns.ts';
import { SOCKET_COLUMNS, type SocketColumns } from '../../../core/socket.ts';
import { KEY_WORDS } from '../../../core/tuple.ts';
import type { SocketSource } from './socket-source.ts';

/** Sockets whose tuple is remembered; the oldest go first. */
const CAPACITY = 8192;

/**
 * Whether a socket that was looked up is still open. To ask takes 3 µs, to look for its holder among all processes
 * thousands of times as long; most short sockets are gone by then.
 */
export class OpenSockets {
  readonly #sources: readonly SocketSource[];
  readonly #keys = new Map<number, Int32Array>(); // by inode
  readonly #found = createColumns(SOCKET_COLUMNS);

  constructor(sources: readonly SocketSource[]) {
    this.#sources = sources;
  }

  note(sockets: SocketColumns, row: number): void {
    const inode = sockets.inode[row]!;
    if (inode === 0 || this.#keys.has(inode)) return;
    this.#keys.set(inode, sockets.key.slice(row * KEY_WORDS, (row + 1) * KEY_WORDS));
    const [oldest] = this.#keys.keys();
    if (this.#keys.size > CAPACITY) this.#keys.delete(oldest!);
  }

  /** True also where no source can tell: a socket is given up only for good reason. */
  has(inode: number): boolean {
    const key = this.#keys.get(inode);
    if (key === undefined) return true;
    let isSeen = false;
    let canTell = false;
    for (const source of this.#sources) {
      if (source.looksUp?.(key) !== true) continue;
      canTell = true;
      this.#found.count = 0;
      isSeen ||= source.find(key, this.#found) && this.#found.inode[0] === inode;
    }
    if (canTell && !isSeen) this.#keys.delete(inode);
    return isSeen || !canTell;
  }
}
