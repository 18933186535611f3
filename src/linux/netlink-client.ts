/** Requests and their answers over one netlink socket: dumps and single look-ups, netlink(7). */
import {
  createMessageCursor,
  isInterrupted,
  MESSAGE_HEADER,
  type MessageCursor,
  messageErrno,
  NLM_F_DUMP,
  NLM_F_REQUEST,
  NLMSG_DONE,
  NLMSG_ERROR,
  nextMessage,
  putMessageHeader,
} from './netlink.ts';

/** A netlink socket. Results are octets or -errno; receive() gives -EAGAIN after its time. */
export interface NetlinkTransport {
  send(bytes: Uint8Array, length: number): number;
  receive(into: Uint8Array, timeoutMs: number): number;
  /** send() and one receive() in one crossing. */
  request?(request: Uint8Array, length: number, reply: Uint8Array, timeoutMs: number): number;
  close(): void;
}

export const Errno = { ENOENT: 2, EINTR: 4, EAGAIN: 11, EINVAL: 22, EBADMSG: 74, ENOBUFS: 105 } as const;

/**
 * Passes on the datagrams that wait on a socket of events, at most `most`.
 *
 * @returns of those read, how often the kernel said that it threw others away because the socket was full
 */
export function readWaiting(
  transport: NetlinkTransport,
  into: Uint8Array,
  most: number,
  onDatagram: (length: number) => void,
): { readonly read: number; readonly lost: number } {
  let read = 0;
  let lost = 0;
  for (; read < most; read++) {
    const got = transport.receive(into, 0);
    if (got === -Errno.ENOBUFS) lost++;
    else if (got <= 0) break;
    else onDatagram(got);
  }
  return { read, lost };
}

const REPLY_BYTES = 64 * 1024; // the kernel fills at most 32 KiB a read of a dump; a link with many VFs needs more
const TIMEOUT_MS = 1000;
const STALE_REPLIES = 16; // answers to earlier requests that are passed over before giving up

/** Called for every message of an answer; valid only during the call. */
export type OnMessage = (b: Uint8Array, cursor: MessageCursor) => void;

export class NetlinkClient {
  /** Dumps that the kernel marked as inconsistent twice and that were used all the same. */
  interrupted = 0;
  readonly #transport: NetlinkTransport;
  readonly #reply = new Uint8Array(REPLY_BYTES);
  readonly #cursor = createMessageCursor();
  #sequence = 0;

  constructor(transport: NetlinkTransport) {
    this.#transport = transport;
  }

  /**
   * Asks for a list and passes every message of it on.
   *
   * @param request MESSAGE_HEADER octets of room, then the body; the header is written here
   * @param restart called when a changed list made the kernel's answer inconsistent: forget what came; once at most
   * @returns 0 or -errno
   */
  dump(request: Uint8Array, length: number, type: number, onMessage: OnMessage, restart: () => void): number {
    const first = this.#dumpOnce(request, length, type, onMessage);
    if (first !== -Errno.EINTR) return first;
    restart();
    const second = this.#dumpOnce(request, length, type, onMessage);
    if (second !== -Errno.EINTR) return second;
    this.interrupted++;
    return 0;
  }

  /** @returns 0, -EINTR when complete but inconsistent, or another -errno */
  #dumpOnce(request: Uint8Array, length: number, type: number, onMessage: OnMessage): number {
    const sequence = this.#begin(request, length, type, NLM_F_REQUEST | NLM_F_DUMP);
    const sent = this.#transport.send(request, length);
    if (sent < 0) return sent;
    const cursor = this.#cursor;
    let interrupted = false;
    for (;;) {
      const got = this.#receive();
      if (got < 0) return got;
      cursor.next = 0;
      cursor.malformed = false;
      while (nextMessage(this.#reply, got, cursor)) {
        if (cursor.sequence !== sequence) continue; // the rest of an earlier dump that was given up
        if (isInterrupted(cursor)) interrupted = true;
        if (cursor.type === NLMSG_ERROR || cursor.type === NLMSG_DONE) {
          const errno = messageErrno(this.#reply, cursor);
          return errno < 0 || !interrupted ? errno : -Errno.EINTR;
        }
        onMessage(this.#reply, cursor);
      }
      if (cursor.malformed) return -Errno.EBADMSG;
    }
  }

  /**
   * Asks for one thing.
   *
   * @returns 1 when a message was passed on, else -errno (-ENOENT: there is no such thing)
   */
  find(request: Uint8Array, length: number, type: number, onMessage: OnMessage): number {
    const sequence = this.#begin(request, length, type, NLM_F_REQUEST);
    const cursor = this.#cursor;
    let got = this.#ask(request, length);
    for (let attempt = 0; attempt < STALE_REPLIES; attempt++) {
      if (got < 0) return got;
      cursor.next = 0;
      cursor.malformed = false;
      while (nextMessage(this.#reply, got, cursor)) {
        if (cursor.sequence !== sequence) continue;
        if (cursor.type === NLMSG_ERROR || cursor.type === NLMSG_DONE) {
          return messageErrno(this.#reply, cursor) || -Errno.ENOENT;
        }
        onMessage(this.#reply, cursor);
        return 1;
      }
      if (cursor.malformed) return -Errno.EBADMSG;
      got = this.#receive();
    }
    return -Errno.EAGAIN;
  }

  close(): void {
    this.#transport.close();
  }

  #begin(request: Uint8Array, length: number, type: number, flags: number): number {
    if (length < MESSAGE_HEADER || length > request.length) throw new RangeError(`request of ${length} octets`);
    this.#sequence = (this.#sequence + 1) >>> 0;
    putMessageHeader(request, length, type, flags, this.#sequence);
    return this.#sequence;
  }

  #ask(request: Uint8Array, length: number): number {
    const transport = this.#transport;
    if (transport.request !== undefined) return transport.request(request, length, this.#reply, TIMEOUT_MS);
    const sent = transport.send(request, length);
    return sent < 0 ? sent : this.#receive();
  }

  /** @returns octets, more than 0, or -errno */
  #receive(): number {
    const got = this.#transport.receive(this.#reply, TIMEOUT_MS);
    return got === 0 ? -Errno.EAGAIN : got;
  }
}
