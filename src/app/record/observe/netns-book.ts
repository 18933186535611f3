import type { SocketEventColumns } from '../../../core/socket.ts';

/** Namespaces remembered; the oldest are forgotten first. */
const MOST_KNOWN = 4096;

/**
 * Which network namespace a cookie means. Tracing programs tell inode and cookie of a namespace, programs of cgroups
 * only the cookie: what the first have told names the namespace for the second. Inodes are reused, cookies never.
 */
export class NetnsBook {
  readonly #inodes = new Map<number, number>(); // by cookie

  /** @param cookie, @param inode 0: not known */
  learn(cookie: number, inode: number): void {
    if (cookie === 0 || inode === 0 || this.#inodes.get(cookie) === inode) return;
    this.#inodes.delete(cookie);
    this.#inodes.set(cookie, inode);
    for (const oldest of this.#inodes.keys()) {
      if (this.#inodes.size <= MOST_KNOWN) return;
      this.#inodes.delete(oldest);
    }
  }

  /** 0: not known */
  inodeOf(cookie: number): number {
    return this.#inodes.get(cookie) ?? 0;
  }

  /** Learns from the events that tell both, and gives those the inode that tell only the cookie. */
  complete(events: SocketEventColumns): void {
    const { netns, netnsCookie } = events;
    let lastCookie = 0; // most events are of one namespace
    let lastInode = 0;
    for (let i = 0; i < events.count; i++) {
      const cookie = netnsCookie[i]!;
      if (cookie === 0) continue;
      if (netns[i] === 0) netns[i] = cookie === lastCookie ? lastInode : this.inodeOf(cookie);
      else if (cookie !== lastCookie || netns[i] !== lastInode) this.learn(cookie, netns[i]!);
      lastCookie = cookie;
      lastInode = netns[i]!;
    }
  }
}
